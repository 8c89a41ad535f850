"""The FAT file system over any `Block`; docs/design/fat.md says what it promises and how."""
