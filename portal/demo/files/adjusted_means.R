# Adjusted means of the varieties: varieties fixed, sites, years and their interaction random.
#
#   Rscript adjusted_means.R barley.csv adjusted-means.csv

library(lme4)

arguments <- commandArgs(trailingOnly = TRUE)
trials <- read.csv(arguments[1], stringsAsFactors = TRUE)
trials$year <- factor(trials$year)

model <- lmer(yield_bushels_per_acre ~ 0 + variety + (1 | site) + (1 | site:year), data = trials)
means <- data.frame(
  variety = sub("^variety", "", names(fixef(model))),
  mean = round(fixef(model), 2),
  standard_error = round(sqrt(diag(as.matrix(vcov(model)))), 2)
)
write.csv(means[order(-means$mean), ], arguments[2], row.names = FALSE)
