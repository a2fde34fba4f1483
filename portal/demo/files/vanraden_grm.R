# Genomic relationship matrix by the first method of VanRaden (2008): G = ZZ' / (2 sum p(1 - p)).
# In: one row a plant, its name first, then one column a marker, counts 0, 1, 2 of one allele, NA where missing.
#
#   Rscript vanraden_grm.R markers.csv relationships.csv

arguments <- commandArgs(trailingOnly = TRUE)
markers <- as.matrix(read.csv(arguments[1], row.names = 1, check.names = FALSE))

frequency <- colMeans(markers, na.rm = TRUE) / 2
informative <- frequency > 0 & frequency < 1
centred <- sweep(markers[, informative, drop = FALSE], 2, 2 * frequency[informative])
centred[is.na(centred)] <- 0 # a missing count is taken for the mean

scale <- 2 * sum(frequency[informative] * (1 - frequency[informative]))
write.csv(round(tcrossprod(centred) / scale, 6), arguments[2])
