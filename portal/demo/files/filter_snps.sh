#!/bin/sh
# Keeps biallelic SNPs with less than 10 % missing calls and a minor allele frequency above 5 %.
#
#   sh filter_snps.sh raw.vcf.gz filtered.vcf.gz
set -eu

bcftools view --min-alleles 2 --max-alleles 2 --types snps \
  --include 'F_MISSING < 0.1 && MAF > 0.05' --output-type z --output "$2" "$1"
bcftools index "$2"
