"""Who may do what, route by route: what `test_matrix.py` holds the portal to, written down and not computed.

A new route needs a line here, and in `calls.py` what it is sent. The columns are the callers:
`hidden` and `public` a visitor who is not signed in, where the entry is hidden from them and where it is public;
`stranger` somebody signed in to whom it is hidden; `reader`, `writer` and `owner` who has that level; `admin`.
The cells are statuses. `login` is a redirect to the log-in page, 302 any other: it was done.
`about` says whose thing it is: an `entry` is asked for in every state of `LEVELS`; an `upload` or a `token` is the
owner's, everybody else has no part in it; a `team` has the people of `IN_THE_TEAM`; an `app` is in the
owner's team, and what is in it that team may write; a `person` is somebody else; `none` is about nothing but the
caller.
"""

from dataclasses import dataclass

COLUMNS = ("hidden", "public", "stranger", "reader", "writer", "owner", "admin")

LEVELS = """
                  anonymous  stranger  teammate  team_admin  owner  admin
private           hidden     stranger  stranger  stranger    owner  admin
protected-read    hidden     stranger  reader    owner       owner  admin
protected-write   hidden     stranger  writer    owner       owner  admin
public-read       public     reader    reader    reader      owner  admin
public-write      public     writer    writer    writer      owner  admin
"""

# Who stands in which column where no entry is asked for. The upload is one to an entry that the team may write.
OTHERWISE = {
    "anonymous": "hidden",
    "stranger": "stranger",
    "reader": "reader",
    "teammate": "writer",
    "team_admin": "writer",
    "owner": "owner",
    "admin": "admin",
}

# Who stands in which column where a team is asked for: `writer` is a member, `owner` who looks after it.
IN_THE_TEAM = {**OTHERWISE, "owner": "writer", "team_admin": "owner"}

ROUTES = """
# method  route                                        about   hidden  public  stranger  reader  writer  owner  admin

# Pages
GET     /                                              none    200     200     200       200     200     200    200
POST    /theme                                         none    302     302     302       302     302     302    302
GET     /login                                         none    200     200     302       302     302     302    302
POST    /login                                         none    302     302     302       302     302     302    302
GET     /signup                                        none    200     200     200       200     200     200    200
POST    /signup                                        none    302     302     302       302     302     302    302
POST    /logout                                        none    302     302     302       302     302     302    302
GET     /account                                       none    login   login   200       200     200     200    200
POST    /account                                       none    login   login   302       302     302     302    302
POST    /account/password                              none    login   login   302       302     302     302    302
POST    /account/sessions/end                          none    login   login   302       302     302     302    302
POST    /account/tokens                                none    login   login   200       200     200     200    200
POST    /account/tokens/<id:token_id>/revocation       token   login   login   404       404     404     302    404
GET     /<kind:kind>                                   none    200     200     200       200     200     200    200
GET     /<kind:kind>/new                               none    login   login   200       200     200     200    200
POST    /<kind:kind>/new                               none    login   login   302       302     302     302    302
GET     /<kind:kind>/<id:entry_id>                     entry   login   200     404       200     200     200    200
GET     /<kind:kind>/<id:entry_id>/versions            entry   login   200     404       200     200     200    200
POST    /<kind:kind>/<id:entry_id>/environments        entry   login   login   404       403     302     302    302
GET     /<kind:kind>/<id:entry_id>/versions/<number:number>/download
                                                       entry   login   200     404       200     200     200    200
GET     /<kind:kind>/<id:entry_id>/edit                entry   login   login   404       403     200     200    200
POST    /<kind:kind>/<id:entry_id>/edit                entry   login   login   404       403     302     302    302
GET     /<kind:kind>/<id:entry_id>/delete              entry   login   login   404       403     403     200    200
GET     /<kind:kind>/<id:entry_id>/runs                entry   login   200     404       200     200     200    200
POST    /<kind:kind>/<id:entry_id>/runs                entry   login   login   404       403     302     302    302
GET     /<kind:kind>/<id:entry_id>/activity            entry   login   login   404       403     403     200    200
GET     /<kind:kind>/<id:entry_id>/datasets            entry   login   200     404       200     200     200    200
GET     /<kind:kind>/<id:entry_id>/records             entry   login   200     404       200     200     200    200
GET     /<kind:kind>/<id:entry_id>/records/new         entry   login   login   404       403     200     200    200
POST    /<kind:kind>/<id:entry_id>/records/new         entry   login   login   404       403     302     302    302
GET     /<kind:kind>/<id:entry_id>/records/import      entry   login   login   404       403     200     200    200
POST    /<kind:kind>/<id:entry_id>/records/import      entry   login   login   404       403     302     302    302
GET     /<kind:kind>/<id:entry_id>/records.<extension>
                                                       entry   login   200     404       200     200     200    200
GET     /<kind:kind>/<id:entry_id>/access              entry   login   login   404       403     403     200    200
POST    /<kind:kind>/<id:entry_id>/access              entry   login   login   404       403     403     302    302
GET     /records                                       none    200     200     200       200     200     200    200
GET     /records/<kind:kind>.<extension>               none    200     200     200       200     200     200    200
GET     /records/<id:record_id>                        entry   login   200     404       200     200     200    200
GET     /records/<id:record_id>/preview                entry   404     200     404       200     200     200    200
GET     /files/records/<token>                         none    200     200     200       200     200     200    200
GET     /records/<id:record_id>/edit                   entry   login   login   404       403     200     200    200
POST    /records/<id:record_id>/edit                   entry   login   login   404       403     302     302    302
GET     /records/<id:record_id>/delete                 entry   login   login   404       403     200     200    200
POST    /records/<id:record_id>/delete                 entry   login   login   404       403     302     302    302
GET     /<circumstance:word>                           none    200     200     200       200     200     200    200
GET     /<circumstance:word>/<id:named_id>             entry   404     200     404       200     200     200    200
GET     /datasets/<id:dataset_id>                      entry   login   200     404       200     200     200    200
POST    /<kind:kind>/<id:entry_id>/delete              entry   login   login   404       403     403     302    302
GET     /teams                                         none    login   login   200       200     200     200    200
GET     /teams/people                                  none    login   login   302       302     302     302    302
GET     /teams/new                                     none    login   login   403       403     403     403    200
POST    /teams/new                                     none    login   login   403       403     403     403    302
GET     /teams/<id:team_id>                            team    login   login   404       404     200     200    200
POST    /teams/<id:team_id>/members                    team    login   login   404       404     403     302    302
POST    /teams/<id:team_id>/members/<id:user_id>/removal
                                                       team    login   login   404       404     403     302    302
POST    /teams/<id:team_id>/admins/<id:user_id>        team    login   login   404       404     403     302    302
POST    /teams/<id:team_id>/admins/<id:user_id>/removal
                                                       team    login   login   404       404     403     302    302
GET     /teams/<id:team_id>/leave                      team    login   login   404       404     200     200    200
POST    /teams/<id:team_id>/leave                      team    login   login   404       404     302     302    302
GET     /teams/<id:team_id>/edit                       team    login   login   404       404     403     200    200
POST    /teams/<id:team_id>/edit                       team    login   login   404       404     403     302    302
GET     /teams/<id:team_id>/delete                     team    login   login   404       404     403     403    200
POST    /teams/<id:team_id>/delete                     team    login   login   404       404     403     403    302
GET     /teams/<id:team_id>/apps/new                   team    login   login   404       404     200     200    200
POST    /teams/<id:team_id>/apps/new                   team    login   login   404       404     302     302    302
GET     /teams/<id:team_id>/apps/<id:app_id>           team    login   login   404       404     200     200    200
GET     /teams/<id:team_id>/apps/<id:app_id>/new       team    login   login   404       404     200     200    200
POST    /teams/<id:team_id>/apps/<id:app_id>/new       team    login   login   404       404     302     302    302
GET     /teams/<id:team_id>/apps/<id:app_id>/edit      team    login   login   404       404     403     200    200
POST    /teams/<id:team_id>/apps/<id:app_id>/edit      team    login   login   404       404     403     302    302
GET     /teams/<id:team_id>/apps/<id:app_id>/delete    team    login   login   404       404     403     200    200
POST    /teams/<id:team_id>/apps/<id:app_id>/delete    team    login   login   404       404     403     302    302
GET     /uploads                                       none    login   login   200       200     200     200    200
GET     /uploads/new                                   entry   login   login   404       403     200     200    200
POST    /uploads/new                                   entry   login   login   404       403     302     302    302
GET     /uploads/<id:upload_id>                        upload  login   login   404       404     404     200    404
POST    /uploads/<id:upload_id>/cancellation           upload  login   login   404       404     404     302    404
GET     /uploads/client.py                             none    200     200     200       200     200     200    200
GET     /static/<path:filename>                        none    200     200     200       200     200     200    200
GET     /admin                                         none    login   login   404       404     404     404    200
GET     /admin/activity                                none    login   login   404       404     404     404    200
GET     /admin/users                                   none    login   login   404       404     404     404    200
GET     /admin/users/new                               none    login   login   404       404     404     404    200
POST    /admin/users/new                               none    login   login   404       404     404     404    302
POST    /admin/users/<id:user_id>/verification         person  login   login   404       404     404     404    302
POST    /admin/users/<id:user_id>/promotion            person  login   login   404       404     404     404    302
POST    /admin/users/<id:user_id>/demotion             person  login   login   404       404     404     404    302
GET     /admin/users/<id:user_id>/delete               person  login   login   404       404     404     404    200
POST    /admin/users/<id:user_id>/delete               person  login   login   404       404     404     404    302
GET     /healthz                                       none    200     200     200       200     200     200    200
GET     /readyz                                        none    200     200     200       200     200     200    200

# The JSON's own description
GET     /api/openapi.json                              none    200     200     200       200     200     200    200
GET     /api/docs                                      none    200     200     200       200     200     200    200

# Registry dialect
GET     /api/<kind:kind>/all                           none    200     200     200       200     200     200    200
GET     /api/<kind:kind>                               entry   404     200     404       200     200     200    200
POST    /api/<kind:kind>                               none    401     401     200       200     200     200    200
GET     /api/<kind:kind>/id/<id:entry_id>              entry   404     200     404       200     200     200    200
PATCH   /api/<kind:kind>/id/<id:entry_id>              entry   401     401     404       403     200     200    200
DELETE  /api/<kind:kind>/id/<id:entry_id>              entry   401     401     404       403     403     200    200
GET     /api/<kind:kind>/id/<id:entry_id>/experiments  entry   404     200     404       200     200     200    200
GET     /api/<kind:kind>/id/<id:entry_id>/runs         entry   404     200     404       200     200     200    200
POST    /api/<kind:kind>/id/<id:entry_id>/runs         entry   401     401     404       403     200     200    200
GET     /api/<kind:kind>/id/<id:entry_id>/datasets     entry   404     200     404       200     200     200    200
POST    /api/<kind:kind>/id/<id:entry_id>/datasets     entry   401     401     404       403     200     200    200
POST    /api/<kind:kind>/id/<id:entry_id>/records      entry   401     401     404       403     200     200    200
GET     /api/<kind:kind>/id/<id:entry_id>/records      entry   404     200     404       200     200     200    200
GET     /api/<kind:kind>/id/<id:entry_id>/records/filter
                                                       entry   404     200     404       200     200     200    200
GET     /api/<kind:kind>/id/<id:entry_id>/records/facets
                                                       entry   404     200     404       200     200     200    200
GET     /api/<kind:kind>/records                       none    200     200     200       200     200     200    200
GET     /api/<kind:kind>/records/facets                none    200     200     200       200     200     200    200
GET     /api/<kind:kind>/records/id/<id:record_id>     entry   404     200     404       200     200     200    200
PATCH   /api/<kind:kind>/records/id/<id:record_id>     entry   401     401     404       403     200     200    200
DELETE  /api/<kind:kind>/records/id/<id:record_id>     entry   401     401     404       403     200     200    200
GET     /api/<kind:kind>/records/id/<id:record_id>/download
                                                       entry   404     307     404       307     307     307    307

# Bazaar dialect
GET     /api/v2/<word:kind>/list                       none    401     401     200       200     200     200    200
GET     /api/v2/<word:kind>/<id:entry_id>              entry   401     401     404       200     200     200    200
DELETE  /api/v2/<word:kind>/<id:entry_id>              entry   401     401     404       403     403     200    200
GET     /api/v2/<word:kind>/<id:entry_id>/permissions  entry   401     401     200       200     200     200    200
GET     /api/v2/<word:kind>/<id:entry_id>/audit        entry   401     401     404       403     403     200    200
GET     /api/v2/audit                                  none    401     401     403       403     403     403    200
POST    /api/v2/<word:kind>/<id:entry_id>/access       entry   401     401     404       403     403     200    200
POST    /api/v2/<word:kind>/<id:entry_id>/default-permission
                                                       entry   401     401     404       403     403     200    200
POST    /api/v2/<word:kind>/<id:entry_id>/owner        entry   401     401     404       403     403     200    200
GET     /api/v2/<word:kind>/<id:entry_id>/download     entry   401     401     404       200     200     200    200
POST    /api/v2/<word:kind>/upload                     entry   401     401     404       403     200     200    200
GET     /api/v2/<word:kind>/upload                     upload  401     401     404       404     404     200    404
DELETE  /api/v2/<word:kind>/upload                     upload  401     401     404       404     404     200    404
POST    /api/v2/<word:kind>/upload/token               upload  401     401     404       404     404     200    404
POST    /api/v2/<word:kind>/upload/<idx>               upload  401     401     401       401     401     401    401
POST    /api/v2/<word:kind>/upload/<idx>/url           upload  401     401     401       401     401     401    401
POST    /api/v2/<word:kind>/upload/commit              upload  401     401     401       401     401     401    401
POST    /api/v2/team/create                            none    401     401     403       403     403     403    200
GET     /api/v2/team/list                              none    401     401     200       200     200     200    200
DELETE  /api/v2/team/<id:team_id>                      team    401     401     404       404     403     403    200
GET     /api/v2/team/<id:team_id>/users                team    401     401     404       404     403     200    200
GET     /api/v2/team/<id:team_id>/<kind:kind>          team    401     401     404       404     403     200    200
POST    /api/v2/team/<id:team_id>/users/<id:user_id>   team    401     401     404       404     403     200    200
DELETE  /api/v2/team/<id:team_id>/users/<id:user_id>   team    401     401     404       404     403     200    200
POST    /api/v2/team/<id:team_id>/admins/<id:user_id>  team    401     401     404       404     403     200    200
DELETE  /api/v2/team/<id:team_id>/admins/<id:user_id>  team    401     401     404       404     403     200    200
GET     /api/v2/user/list                              none    401     401     200       200     200     200    200
POST    /api/v2/user/create                            none    401     401     403       403     403     403    200
POST    /api/v2/user/<id:user_id>/verify               person  401     401     403       403     403     403    200
POST    /api/v2/user/<id:user_id>/admin                person  401     401     403       403     403     403    200
DELETE  /api/v2/user/<id:user_id>/admin                person  401     401     403       403     403     403    200
DELETE  /api/v2/user/<id:user_id>                      person  401     401     403       403     403     403    200
POST    /api/v2/user/signup                            none    200     200     200       200     200     200    200
GET     /api/v2/user/login                             none    401     401     401       401     401     401    401
GET     /api/v2/user/info                              none    401     401     200       200     200     200    200
POST    /api/v2/user/password                          none    401     401     200       200     200     200    200
GET     /api/v2/user/tokens                            none    401     401     200       200     200     200    200
POST    /api/v2/user/tokens                            none    401     401     200       200     200     200    200
DELETE  /api/v2/user/tokens/<id:token_id>              token   401     401     404       404     404     200    404

# Organizations dialect
GET     /api/v2/organizations                          none    401     401     200       200     200     200    200
GET     /api/v2/organizations/<org>/apps               team    401     401     404       404     200     200    200
POST    /api/v2/organizations/<org>/apps               team    401     401     404       404     200     200    200
POST    /api/v2/organizations/<org>/apps/<app>/models  team    401     401     404       404     200     200    200
GET     /api/v2/organizations/<org>/apps/<app>/models/<model>/model_versions
                                                       app     401     401     404       404     200     200    200
POST    /api/v2/organizations/<org>/apps/<app>/models/<model>/model_versions
                                                       app     401     401     404       404     200     200    200
PATCH   /api/v2/organizations/<org>/apps/<app>/models/<model>/model_versions/<id:version_id>
                                                       app     401     401     404       404     404     200    404
GET     /api/v2/organizations/<org>/apps/<app>/models/<model>/model_versions/<id:version_id>
                                                       app     401     401     404       404     200     200    200
GET     /api/v2/organizations/<org>/app/<app>/models/<model>/model_versions/<id:version_id>
                                                       app     401     401     404       404     200     200    200
GET     /api/v2/download/organizations/<org>/apps/<app>/models/<model>
                                                       app     401     401     404       404     200     200    200
POST    /api/v2/organizations/<org>/apps/<app>/models/<model>/deploy
                                                       app     401     401     404       404     200     200    200
GET     /api/v2/organizations/<org>/apps/<app>/models/<model>/environment_groups
                                                       app     401     401     404       404     200     200    200
PUT     /api/v2/presigned/<id:upload_id>               app     200     200     200       200     200     200    200
"""


@dataclass(frozen=True)
class Line:
    method: str
    route: str
    about: str
    cells: tuple[str, ...]

    @property
    def is_page(self) -> bool:
        return not self.route.startswith("/api/")

    @property
    def is_unsafe(self) -> bool:
        return self.method != "GET"

    def expected(self, column: str) -> str:
        return self.cells[COLUMNS.index(column)]

    def __str__(self) -> str:
        return f"{self.method} {self.route}"


def lines() -> list[Line]:
    rows = [row for row in ROUTES.splitlines() if row.strip() and not row.startswith("#")]
    words = [row.split() for row in "\n".join(rows).replace("\n   ", " ").splitlines()]
    return [Line(method, route, about, tuple(cells)) for method, route, about, *cells in words]


def levels() -> dict[str, dict[str, str]]:
    """The column in which each person stands, by the state of the entry."""
    names, *rows = (row.split() for row in LEVELS.strip().splitlines())
    return {state: dict(zip(names, columns, strict=True)) for state, *columns in rows}
