"""What runs inside every program: arguments, devices, logs, the event loop, and the way out."""
