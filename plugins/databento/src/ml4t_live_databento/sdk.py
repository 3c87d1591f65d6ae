"""The enums of Databento's SDK: its stubs say that their members are plain numbers, and they are not."""

from __future__ import annotations

from typing import Any

import databento_dbn

Action: Any = databento_dbn.Action
Compression: Any = databento_dbn.Compression
ErrorCode: Any = databento_dbn.ErrorCode
RType: Any = databento_dbn.RType
Schema: Any = databento_dbn.Schema
Side: Any = databento_dbn.Side
SType: Any = databento_dbn.SType
SystemCode: Any = databento_dbn.SystemCode
VersionUpgradePolicy: Any = databento_dbn.VersionUpgradePolicy
Code = Any
"""A member of `ErrorCode` or `SystemCode`."""

REPLAY_DATA_AGED_OUT: Code = getattr(ErrorCode, "REPLAY_DATA_AGED_OUT", ErrorCode.UNSET)
"""Newer than the oldest SDK that is supported."""
