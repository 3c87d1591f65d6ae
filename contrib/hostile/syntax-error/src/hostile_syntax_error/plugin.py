"""Its module is not Python."""

def ml4t_live_feeds()
    return []
