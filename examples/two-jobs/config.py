from fata.config import main, memory_kv, register

# Equal devices are one device; two ledgers need two names. Two jobs of one class need names too: they
# tell --east-notes from --west-notes.
register(
    "two-jobs",
    main("app:Clerk", "east", ledger=memory_kv(name="east_ledger"), desk="east"),
    main("app:Clerk", "west", ledger=memory_kv(name="west_ledger"), desk="west"),
)
