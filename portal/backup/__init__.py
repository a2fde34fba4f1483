"""The embedded portal copied into a folder while it serves, and a portal made again from such a copy.

model-portal-backup.txt   says what the folder is; whoever backs up into it holds its lock
manifest.json             written last: which database belongs to the files, and what the whole has to be
portal-<sha256>.db        the database at one moment; the 16 digits are the first of its sha256
secret_key                where the portal kept its own
files/                    the published files under the keys of the storage; the database knows their sha256
"""
