"""What every other package uses: errors, checks, units, digests, files, progress, tables."""
