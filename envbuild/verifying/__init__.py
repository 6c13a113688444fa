"""Whether an image is what it says it was made from: what it says, what is in it, and how it differs from a new one."""
