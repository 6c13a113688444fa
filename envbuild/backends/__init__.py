"""From a `Plan` to an `Image`. `assemble` needs neither an engine nor root."""
