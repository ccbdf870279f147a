"""``python -m zoe_client.cli.admin`` is ``zoe-admin``."""

from zoe_client.cli.admin import main

if __name__ == "__main__":
    main()
