# Normalised difference vegetation index of a field, from its red and its near-infrared band.
#
#   Rscript ndvi.R red.tif nir.tif ndvi.tif

library(terra)

arguments <- commandArgs(trailingOnly = TRUE)
red <- rast(arguments[1])
nir <- rast(arguments[2])
stopifnot(compareGeom(red, nir))

ndvi <- (nir - red) / (nir + red)
writeRaster(clamp(ndvi, lower = -1, upper = 1), arguments[3], overwrite = TRUE)
