"""What every stage needs: jobs, strict settings, clear errors, random streams, files that are whole or absent."""
