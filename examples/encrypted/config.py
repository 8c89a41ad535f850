from fata.config import block_file, drive, encrypted, growing_tar, main, match, register, target

# The plaintext is a tar archive that grows; on the disk there is nothing but ciphertext. The key is a file: it
# stands neither in the image nor on a command line. Make one: openssl rand -hex 64 > disk.key
disk = match(target, {"virtio": drive()}, default=block_file())
register("encrypted", main("app:Diary", diary=growing_tar(encrypted(disk, file="disk.key"))))
