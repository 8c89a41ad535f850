"""Media types by file name, from a table of our own: the `mimetypes` module reads the host's, and machines differ."""

from __future__ import annotations

UNKNOWN = b"application/octet-stream"

TYPES = {
    "atom": b"application/atom+xml",
    "avif": b"image/avif",
    "bmp": b"image/bmp",
    "bz2": b"application/x-bzip2",
    "css": b"text/css; charset=utf-8",
    "csv": b"text/csv; charset=utf-8",
    "epub": b"application/epub+zip",
    "flac": b"audio/flac",
    "gif": b"image/gif",
    "gz": b"application/gzip",
    "htm": b"text/html; charset=utf-8",
    "html": b"text/html; charset=utf-8",
    "ico": b"image/x-icon",
    "jpeg": b"image/jpeg",
    "jpg": b"image/jpeg",
    "js": b"text/javascript; charset=utf-8",
    "json": b"application/json",
    "m4a": b"audio/mp4",
    "map": b"application/json",
    "md": b"text/markdown; charset=utf-8",
    "mjs": b"text/javascript; charset=utf-8",
    "mp3": b"audio/mpeg",
    "mp4": b"video/mp4",
    "oga": b"audio/ogg",
    "ogg": b"audio/ogg",
    "ogv": b"video/ogg",
    "otf": b"font/otf",
    "pdf": b"application/pdf",
    "png": b"image/png",
    "rss": b"application/rss+xml",
    "svg": b"image/svg+xml",
    "tar": b"application/x-tar",
    "toml": b"application/toml",
    "ttf": b"font/ttf",
    "txt": b"text/plain; charset=utf-8",
    "wasm": b"application/wasm",
    "wav": b"audio/wav",
    "webm": b"video/webm",
    "webmanifest": b"application/manifest+json",
    "webp": b"image/webp",
    "woff": b"font/woff",
    "woff2": b"font/woff2",
    "xhtml": b"application/xhtml+xml",
    "xml": b"application/xml",
    "xz": b"application/x-xz",
    "yaml": b"application/yaml",
    "yml": b"application/yaml",
    "zip": b"application/zip",
    "zst": b"application/zstd",
}


def content_type(key: str) -> bytes:
    """Return the Content-Type of a key, by what follows its last dot."""
    _, dot, suffix = key.rpartition("/")[2].rpartition(".")
    return TYPES.get(suffix.lower(), UNKNOWN) if dot else UNKNOWN
