"""From token windows to clusters and samples: embeddings, k-means, histograms, importance sampling."""
