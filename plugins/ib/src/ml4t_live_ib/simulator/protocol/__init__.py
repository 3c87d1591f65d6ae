"""The socket protocol of TWS: frames, fields, messages."""
