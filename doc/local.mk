# SPDX-License-Identifier: AGPL-3.0-or-later
EXTRA_DIST += doc/examples/flood.cap.xml doc/examples/flood-cancel.cap.xml
