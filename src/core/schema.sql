-- The store's schema. Every upgrade brings the database from the version before it to its own
-- (PRAGMA user_version), in one transaction. An upgrade that was released is never changed.

-- upgrade 1

-- seq is the order of acceptance. The document lives in a table of its own, so that an alert that
-- is cancelled or ends does not have it written again.
CREATE TABLE alert (
	seq INTEGER PRIMARY KEY,
	id TEXT NOT NULL UNIQUE,
	originator TEXT NOT NULL,
	source TEXT NOT NULL,
	sender TEXT NOT NULL,
	identifier TEXT NOT NULL,
	sent_utc INTEGER NOT NULL,
	status TEXT NOT NULL,
	msg_type TEXT NOT NULL,
	event TEXT,
	headline TEXT,
	language TEXT,
	received_utc INTEGER NOT NULL,
	expires_utc INTEGER NOT NULL,
	sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
	n_cells INTEGER NOT NULL CHECK (n_cells >= 0),
	cancelled_by TEXT,
	cancelled_utc INTEGER NOT NULL,
	ended_utc INTEGER NOT NULL,
	answer TEXT NOT NULL,
	UNIQUE (originator, sender, identifier, sent_utc)
) STRICT;

CREATE INDEX alert_live ON alert (seq) WHERE ended_utc = 0;

-- As received.
CREATE TABLE document (
	alert INTEGER PRIMARY KEY REFERENCES alert (seq),
	bytes BLOB NOT NULL
) STRICT;

-- pages: octet 1 (version), then 82 octets and their used length (one octet) per page.
CREATE TABLE message (
	alert INTEGER NOT NULL REFERENCES alert (seq),
	nr INTEGER NOT NULL CHECK (nr > 0),
	kind INTEGER NOT NULL,
	class INTEGER NOT NULL,
	drill INTEGER NOT NULL CHECK (drill IN (0, 1)),
	identifier INTEGER NOT NULL CHECK (identifier BETWEEN 0 AND 65535),
	serial INTEGER NOT NULL CHECK (serial BETWEEN 0 AND 65535),
	warning_type INTEGER NOT NULL,
	expires_utc INTEGER NOT NULL,
	language TEXT,
	text TEXT,
	dcs INTEGER NOT NULL,
	cut INTEGER NOT NULL CHECK (cut IN (0, 1)),
	text_octets INTEGER NOT NULL,
	pages BLOB NOT NULL,
	PRIMARY KEY (alert, nr)
) STRICT;

-- wanted: octet 1 (version), then 14 octets per target, sorted.
-- evidence: octet 1 (version), then 44 octets per target, in the same order, or nothing while
-- nothing has happened.
CREATE TABLE delivery (
	alert INTEGER NOT NULL,
	message INTEGER NOT NULL,
	peer TEXT NOT NULL,
	revision INTEGER NOT NULL,
	settled INTEGER NOT NULL CHECK (settled IN (0, 1)),
	updated_utc INTEGER NOT NULL,
	wanted BLOB NOT NULL,
	evidence BLOB NOT NULL,
	PRIMARY KEY (alert, message, peer),
	FOREIGN KEY (alert, message) REFERENCES message (alert, nr)
) STRICT;

-- Serial numbers in use: the message code is free again at free_utc.
CREATE TABLE ledger (
	identifier INTEGER NOT NULL CHECK (identifier BETWEEN 0 AND 65535),
	code INTEGER NOT NULL CHECK (code BETWEEN 0 AND 1023),
	update_nr INTEGER NOT NULL CHECK (update_nr BETWEEN 0 AND 15),
	free_utc INTEGER NOT NULL,
	alert INTEGER NOT NULL REFERENCES alert (seq),
	PRIMARY KEY (identifier, code)
) WITHOUT ROWID, STRICT;

-- What happened, for people.
CREATE TABLE event (
	seq INTEGER PRIMARY KEY,
	alert INTEGER REFERENCES alert (seq),
	utc INTEGER NOT NULL,
	kind TEXT NOT NULL,
	detail TEXT
) STRICT;

CREATE INDEX event_alert ON event (alert, seq);

CREATE TABLE meta (
	key TEXT PRIMARY KEY,
	value TEXT NOT NULL
) WITHOUT ROWID, STRICT;

-- upgrade 2

-- The area that the alert was decided on, as GeoJSON; NULL where there is none (Cancel) and for
-- alerts from before this upgrade.
ALTER TABLE document ADD COLUMN area TEXT;

-- upgrade 3

-- Of each alert: when the recipients in its area were first looked for; 0 = not yet.
ALTER TABLE alert ADD COLUMN followed_utc INTEGER NOT NULL DEFAULT 0;

-- What a short message has beside its row in message.
-- parts: octet 1 (version), then 160 octets and their used length (one octet) per part.
CREATE TABLE short_message (
	alert INTEGER NOT NULL,
	message INTEGER NOT NULL,
	sender_kind INTEGER NOT NULL,
	sender_text TEXT NOT NULL,
	protocol_id INTEGER NOT NULL CHECK (protocol_id BETWEEN 0 AND 255),
	reference INTEGER NOT NULL CHECK (reference BETWEEN 0 AND 255),
	alphabet INTEGER NOT NULL,
	cut INTEGER NOT NULL CHECK (cut IN (0, 1)),
	text_octets INTEGER NOT NULL,
	parts BLOB NOT NULL,
	PRIMARY KEY (alert, message),
	FOREIGN KEY (alert, message) REFERENCES message (alert, nr)
) STRICT;

-- A delivery is what changes with every step of it, and small; its n targets are written once, into
-- a table of their own, and its evidence in chunks of 256 targets, so that an answer has no more
-- written than the chunk that it belongs to. What older programs wrote stays where it is, since to
-- move it would take as much space again: targets and evidence of a delivery that is there, unless
-- a chunk of newer evidence is.
ALTER TABLE delivery RENAME TO old_delivery;

CREATE TABLE delivery (
	id INTEGER PRIMARY KEY,
	alert INTEGER NOT NULL,
	message INTEGER NOT NULL,
	peer TEXT NOT NULL,
	revision INTEGER NOT NULL,
	n INTEGER NOT NULL CHECK (n >= 0),
	settled INTEGER NOT NULL CHECK (settled IN (0, 1)),
	updated_utc INTEGER NOT NULL,
	UNIQUE (alert, message, peer, revision),
	FOREIGN KEY (alert, message) REFERENCES message (alert, nr)
) STRICT;

-- wanted: octet 1 (version), then 14 octets per target, sorted.
-- details: octet 1 (version), then per target the number of digits (one octet) and value (7 octets)
-- of its telephone number and 14 octets of the target where it was; NULL where the targets are no
-- recipients.
CREATE TABLE delivery_targets (
	delivery INTEGER PRIMARY KEY REFERENCES delivery (id),
	wanted BLOB NOT NULL,
	details BLOB
) STRICT;

-- packed: octet 2 (version), then 48 octets per target. A chunk that is not there: what the old
-- delivery says, else nothing has happened to its targets yet.
CREATE TABLE evidence (
	delivery INTEGER NOT NULL REFERENCES delivery (id),
	chunk INTEGER NOT NULL CHECK (chunk >= 0),
	packed BLOB NOT NULL,
	PRIMARY KEY (delivery, chunk)
) STRICT;

INSERT INTO delivery (alert, message, peer, revision, n, settled, updated_utc)
	SELECT alert, message, peer, revision, (length(wanted) - 1) / 14, settled, updated_utc
	FROM old_delivery ORDER BY alert, message, peer;

-- Names that peers gave to what they took, one per part, until the receipts come. (A foreign key
-- would have SQLite keep a journal for each of them; deliveries are never deleted.)
CREATE TABLE handle (
	peer TEXT NOT NULL,
	handle TEXT NOT NULL,
	delivery INTEGER NOT NULL,
	target INTEGER NOT NULL CHECK (target >= 0),
	PRIMARY KEY (peer, handle)
) WITHOUT ROWID, STRICT;

CREATE INDEX handle_delivery ON handle (delivery);

-- The numbers by which evidence names the peers of a bearer.
CREATE TABLE peer_number (
	number INTEGER PRIMARY KEY CHECK (number BETWEEN 1 AND 255),
	name TEXT NOT NULL UNIQUE
) STRICT;
