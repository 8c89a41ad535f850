"""Image files: how a finished runtime becomes an application's image."""
