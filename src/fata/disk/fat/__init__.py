"""The formats of FAT12, FAT16 and FAT32 (Microsoft, FAT: General Overview of On-Disk Format, 1.03)."""
