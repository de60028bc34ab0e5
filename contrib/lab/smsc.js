// SPDX-License-Identifier: AGPL-3.0-or-later
// An SMSC for tests, on the SMPP server of npm's package "smpp", so that the protocol is not ours twice.
//
//     node smsc.js '{"host": "127.0.0.1", "port": 2776, "accounts": {"system id": "password"}}'
//
// Lines of JSON on stdin say how it behaves; each is answered by an event "done" with the same ref.
// Lines of JSON on stdout say what happened. smsc.py writes the one and reads the other.
'use strict';

const readline = require('readline');
const smpp = require('smpp');

const options = JSON.parse(process.argv[2]);

// How a submit_sm is treated. Overridden by what is set for its destination address, and that by the
// first entry of the queue, which is for one submit_sm only.
const behaviour = {
	status: 'ESME_ROK',     // of submit_sm_resp
	silent: false,          // no submit_sm_resp at all
	drop: '',               // the connection, "before" or "after" the response
	answer_delay: 0,        // ms
	message_id: 'decimal',  // or hex, HEX, and with leading zeros: 0decimal, 0hex, 0HEX; or empty
	receipt: 'both',        // tlv, text, both (where the id is), reference (no id, but the submit's own), none
	receipt_id: '',         // how the id is written there; as message_id if empty
	receipt_when: 'after',  // or "before" the response
	receipt_delay: 0,       // ms
	receipt_copies: 1,
	receipt_unasked: false, // also where registered_delivery does not ask for it
	receipt_fields: {},     // of deliver_sm, over all that is here
	stat: 'DELIVRD',
	error: '000',
};
const link = {
	bind: '',               // a status to refuse every bind with, or "silent"
	enquire_link: true,     // answer it
};
let destinations = {};
let queue = [];

const STATES = { ENROUTE: 1, DELIVRD: 2, EXPIRED: 3, DELETED: 4, UNDELIV: 5, ACCEPTD: 6, UNKNOWN: 7, REJECTD: 8 };
const FAILED = ['EXPIRED', 'DELETED', 'UNDELIV', 'REJECTD', 'UNKNOWN'];
// Has letters in hexadecimal digits, and is not the same number read as decimal.
const FIRST_ID = 0x1abc0;

const submits = [];
let sessions = 0;
let bound = null;          // the session bound last of those that take receipts

// Tests judge the octets, so the package is kept from decoding them; text shows how it would.
const message = smpp.filters.message;
for (const parameter of ['short_message', 'validity_period', 'schedule_delivery_time'])
	delete smpp.commands.submit_sm.params[parameter].filter;
delete smpp.tlvs.message_payload.filter;

function tell(event, fields) {
	process.stdout.write(JSON.stringify({ event, time: Date.now() / 1000, ...fields }) + '\n');
}

function number_text(number, form) {
	const bare = form.replace(/^0/, '');
	const digits = number.toString(bare === 'decimal' ? 10 : 16);
	const text = bare === 'HEX' ? digits.toUpperCase() : digits;
	return bare === form ? text : text.padStart(12, '0');
}

function id_of(submit, form) {
	return form ? number_text(FIRST_ID + submit.n, form) : '';
}

function receipt_text(submit, how) {
	const now = new Date().toISOString().replace(/\D/g, '').slice(2, 12);
	const id = how.receipt === 'reference' ? '' : `id:${id_of(submit, how.receipt_id || how.message_id)} `;
	const delivered = how.stat === 'DELIVRD' ? '001' : '000';
	return `${id}sub:001 dlvrd:${delivered} submit date:${now} done date:${now} stat:${how.stat} ` +
		`err:${how.error} text:`;
}

function send_receipt(submit, how) {
	const pdu = submit.pdu;
	const fields = {
		source_addr_ton: pdu.dest_addr_ton, source_addr_npi: pdu.dest_addr_npi, source_addr: pdu.destination_addr,
		dest_addr_ton: pdu.source_addr_ton, dest_addr_npi: pdu.source_addr_npi, destination_addr: pdu.source_addr,
		esm_class: 4, data_coding: 0,
		short_message: Buffer.from(how.receipt === 'tlv' ? '' : receipt_text(submit, how), 'ascii'),
	};
	if (how.receipt === 'tlv' || how.receipt === 'both')
		fields.receipted_message_id = id_of(submit, how.receipt_id || how.message_id);
	if (how.receipt !== 'text')
		fields.message_state = STATES[how.stat];
	if (how.receipt === 'reference' && pdu.user_message_reference !== undefined)
		fields.user_message_reference = pdu.user_message_reference;
	Object.assign(fields, how.receipt_fields);
	const sent = bound && bound.deliver_sm({ ...fields }, (answer) =>
		tell('receipt_answer', { n: submit.n, status: answer.command_status }));
	tell('receipt', { n: submit.n, sent: Boolean(sent), stat: how.stat, text: fields.short_message.toString('ascii'),
		receipted_message_id: fields.receipted_message_id });
}

function receipts(submit, how) {
	const asked = submit.pdu.registered_delivery & 3;
	const wanted = asked === 1 || (asked === 2 && FAILED.includes(how.stat)) || how.receipt_unasked;
	if (how.receipt === 'none' || !wanted)
		return;
	for (let copy = 0; copy < how.receipt_copies; copy++)
		after(how.receipt_delay, () => send_receipt(submit, how));
}

function after(delay, action) {
	if (delay)
		setTimeout(action, delay);
	else
		action();
}

function answer_submit(session, submit, how) {
	const good = how.status === 'ESME_ROK';
	const message_id = good ? id_of(submit, how.message_id) : undefined;
	if (how.drop === 'before') {
		session.destroy();
		return;
	}
	if (good && how.receipt_when === 'before')
		receipts(submit, how);
	if (!how.silent) {
		const response = good ? { message_id } : { command_status: smpp.errors[how.status] };
		session.send(submit.pdu.response(response));
		tell('submit_answer', { n: submit.n, status: how.status, message_id });
	}
	if (good && how.receipt_when === 'after')
		receipts(submit, how);
	if (how.drop === 'after')
		session.close();
}

function on_submit(session, pdu) {
	const submit = { n: submits.length + 1, pdu };
	const octets = pdu.short_message;
	const decoded = message.decode.call({ ...pdu }, octets);
	const how = { ...behaviour, ...destinations[pdu.destination_addr], ...queue.shift() };
	submits.push(submit);
	tell('submit', {
		n: submit.n, session: session.number, sequence: pdu.sequence_number, service_type: pdu.service_type,
		source: pdu.source_addr, source_ton: pdu.source_addr_ton, source_npi: pdu.source_addr_npi,
		destination: pdu.destination_addr, dest_ton: pdu.dest_addr_ton, dest_npi: pdu.dest_addr_npi,
		esm_class: pdu.esm_class, pid: pdu.protocol_id, priority: pdu.priority_flag,
		schedule: pdu.schedule_delivery_time, validity: pdu.validity_period,
		registered_delivery: pdu.registered_delivery, replace: pdu.replace_if_present_flag, data_coding: pdu.data_coding,
		octets: octets.toString('hex'), text: typeof decoded.message === 'string' ? decoded.message : null,
		reference: pdu.user_message_reference, payload: pdu.message_payload && pdu.message_payload.toString('hex'),
	});
	after(how.answer_delay, () => answer_submit(session, submit, how));
}

function on_bind(session, pdu) {
	let status = link.bind || 'ESME_ROK';
	if (!link.bind && !Object.hasOwn(options.accounts, pdu.system_id))
		status = 'ESME_RINVSYSID';
	else if (!link.bind && options.accounts[pdu.system_id] !== pdu.password)
		status = 'ESME_RINVPASWD';
	tell('bind', { session: session.number, command: pdu.command, system_id: pdu.system_id, status,
		interface_version: pdu.interface_version, system_type: pdu.system_type });
	if (status === 'silent')
		return;
	if (status !== 'ESME_ROK') {
		session.send(pdu.response({ command_status: smpp.errors[status] }));
		session.close();
		return;
	}
	session.transmits = pdu.command !== 'bind_receiver';
	if (pdu.command !== 'bind_transmitter')
		bound = session;
	session.send(pdu.response({ system_id: 'NPM-SMSC' }));
}

const server = smpp.createServer((session) => {
	session.number = ++sessions;
	tell('connected', { session: session.number });
	session.on('error', (error) => {
		tell('fault', { session: session.number, text: String(error) });
		session.destroy();
	});
	session.on('close', () => {
		if (bound === session)
			bound = null;
		tell('closed', { session: session.number });
	});
	for (const command of ['bind_transceiver', 'bind_transmitter', 'bind_receiver'])
		session.on(command, (pdu) => on_bind(session, pdu));
	session.on('submit_sm', (pdu) => {
		if (session.transmits)
			on_submit(session, pdu);
		else
			session.send(pdu.response({ command_status: smpp.errors.ESME_RINVBNDSTS }));
	});
	session.on('enquire_link', (pdu) => {
		tell('enquire_link', { session: session.number });
		if (link.enquire_link)
			session.send(pdu.response());
	});
	session.on('unbind', (pdu) => {
		tell('unbind', { session: session.number });
		session.send(pdu.response());
		session.close();
	});
	session.on('unknown', (pdu) => {
		tell('unknown', { session: session.number, command_id: pdu.command_id });
		session.send(pdu.response());
	});
});

const live = new Set();
server.on('connection', (socket) => {
	live.add(socket);
	socket.on('close', () => live.delete(socket));
});

const commands = {
	behave: (how) => Object.assign(behaviour, how),
	link: (how) => Object.assign(link, how),
	destinations: (how) => { destinations = how; },
	queue: (how) => { queue = how; },
	// Of a submit_sm seen before, whatever it asked for.
	receipt: ({ n, ...how }) => send_receipt(submits[n - 1], { ...behaviour, ...how }),
	// Any PDU of the package, to the session bound last.
	send: ({ command, fields }) => bound.send(new smpp.PDU(command, fields)),
	raw: ({ octets }) => bound.socket.write(Buffer.from(octets, 'hex')),
	drop: () => live.forEach((socket) => socket.destroy()),
	// Refuse connections from now on; those that are there stay.
	deaf: () => server.close(),
	listen: () => server.listen(options.port, options.host),
};

server.on('listening', () => tell('listening', { port: server.address().port }));
commands.listen();

readline.createInterface({ input: process.stdin }).on('line', (line) => {
	const { ref, command, how } = JSON.parse(line);
	commands[command](how);
	tell('done', { ref });
}).on('close', () => process.exit(0));
