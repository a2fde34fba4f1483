# The barley trellis: yields of ten varieties at six sites in two years, one panel a site.
# Sites and varieties are ordered by their median yield, so that what breaks the order is seen: Morris.
#
#   Rscript barley_trellis.R barley.csv barley.pdf

library(lattice)

arguments <- commandArgs(trailingOnly = TRUE)
barley <- read.csv(arguments[1], stringsAsFactors = TRUE)
barley$year <- factor(barley$year)
barley$site <- reorder(barley$site, barley$yield_bushels_per_acre, median)
barley$variety <- reorder(barley$variety, barley$yield_bushels_per_acre, median)

pdf(arguments[2], width = 6, height = 9)
print(dotplot(
  variety ~ yield_bushels_per_acre | site,
  data = barley, groups = year, layout = c(1, 6), aspect = 0.5,
  auto.key = list(columns = 2), xlab = "Yield (bushels per acre)"
))
invisible(dev.off())
