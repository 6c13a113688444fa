"""The process that speaks HTTP and watches over the workers. It imports neither numpy nor the model's libraries."""
