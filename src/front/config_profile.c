/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The VTY node of profiles. A profile named eu-alert starts with the shipped rules; what is written
 * to a file is the difference. */
#include "config_private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <tocsin/core/profile.h>
#include <tocsin/front/config.h>
#include <tocsin/front/vty_command.h>

#define EU_ALERT "eu-alert"

static struct cmd_node profile_node = { .node = PROFILE_NODE, .prompt = "%s(config-profile)# ", .vtysh = 1 };

static const struct value_string etws_names[] = {
	{ CBS_ETWS_EARTHQUAKE, "earthquake" },
	{ CBS_ETWS_TSUNAMI, "tsunami" },
	{ CBS_ETWS_EARTHQUAKE_TSUNAMI, "earthquake-and-tsunami" },
	{ CBS_ETWS_TEST, "test" },
	{ CBS_ETWS_OTHER, "other" },
	{ 0, NULL }
};

static struct profile *profile_of(const struct vty *vty)
{
	const struct config *config = config_of_vty(vty);

	return gateway_profile(config->gw);
}

static void languages_changed(const struct vty *vty)
{
	const struct config *config = config_of_vty(vty);

	if (config->http)
		http_reconfigure(config->http);
}

DEFUN(cfg_profile, cfg_profile_cmd, "profile NAME",
      "From what an alert says to its message identifier\n"
      "Name; eu-alert starts with the shipped rules, any other with none\n")
{
	struct config *config = config_of_vty(vty);
	struct profile *profile;

	if (strcmp(profile_of(vty)->name, argv[0])) {
		profile = strcmp(argv[0], EU_ALERT) ? profile_alloc(config->gw, argv[0]) :
						      profile_eu_alert(config->gw);
		if (!profile)
			return CMD_WARNING;
		gateway_set_profile(config->gw, profile);
		languages_changed(vty);
	}
	vty->node = PROFILE_NODE;
	return CMD_SUCCESS;
}

DEFUN(cfg_profile_language, cfg_profile_language_cmd, "language TAG",
      "Language to broadcast where an alert has several; the first one given is preferred\n"
      "RFC 3066 tag, \"en\" takes \"en-GB\" too\n")
{
	struct profile *profile = profile_of(vty);
	size_t i;

	for (i = 0; profile->languages[i]; i++) {
		if (!strcasecmp(profile->languages[i], argv[0]))
			return CMD_SUCCESS;
	}
	if (i == PROFILE_MAX_LANGUAGES) {
		vty_out(vty, "%% At most %d languages%s", PROFILE_MAX_LANGUAGES, VTY_NEWLINE);
		return CMD_WARNING;
	}
	profile->languages[i] = talloc_strdup(profile, argv[0]);
	languages_changed(vty);
	return CMD_SUCCESS;
}

DEFUN(cfg_profile_no_language, cfg_profile_no_language_cmd, "no language TAG",
      NO_STR "Language to broadcast\n" "RFC 3066 tag\n")
{
	struct profile *profile = profile_of(vty);
	size_t i;

	for (i = 0; profile->languages[i]; i++) {
		if (strcasecmp(profile->languages[i], argv[0]))
			continue;
		talloc_free(profile->languages[i]);
		memmove(&profile->languages[i], &profile->languages[i + 1],
			(PROFILE_MAX_LANGUAGES - i) * sizeof(profile->languages[0]));
		languages_changed(vty);
		return CMD_SUCCESS;
	}
	vty_out(vty, "%% There is no such language%s", VTY_NEWLINE);
	return CMD_WARNING;
}

#define RULE_CMD "rule <1-999> status (actual|test|exercise) " \
	"severity (any|extreme|severe|moderate|minor|unknown) " \
	"urgency (any|immediate|expected|future|past|unknown) " \
	"certainty (any|observed|likely|possible|unlikely|unknown) " \
	"event EVENT message-identifier <0-65534>"
#define RULE_STR "A rule; the first that matches decides\n" "Its place in the order\n" \
	"Status of the alert\n" "Real warning\n" "Test\n" "Exercise\n" \
	"Severity\n" "Any\n" "Extreme\n" "Severe\n" "Moderate\n" "Minor\n" "Unknown\n" \
	"Urgency\n" "Any\n" "Immediate\n" "Expected\n" "Future\n" "Past\n" "Unknown\n" \
	"Certainty\n" "Any\n" "Observed\n" "Likely\n" "Possible\n" "Unlikely\n" "Unknown\n" \
	"Event\n" "Text of the event without regard to case, blanks written as '_'; \"any\" for any\n" \
	"Message identifier (3GPP TS 23.041, 9.4.1.2.2)\n" "Message identifier\n"

/* "extreme" as CAP writes it; -1 for "any". */
static int cap_word(const char *word, int (*parse)(const char *))
{
	char name[32];

	if (!strcmp(word, "any"))
		return PROFILE_ANY;
	OSMO_STRLCPY_ARRAY(name, word);
	name[0] -= 'a' - 'A';
	return parse(name);
}

static void replace_char(char *text, char from, char to)
{
	for (; *text; text++) {
		if (*text == from)
			*text = to;
	}
}

/* A word of the VTY cannot hold blanks unless it is the last one. */
static char *event_from_word(void *ctx, const char *word)
{
	size_t len = strlen(word);
	char *event;

	if (!strcmp(word, "any"))
		return NULL;
	if (len >= 2 && word[0] == '"' && word[len - 1] == '"')
		event = talloc_strndup(ctx, word + 1, len - 2);
	else
		event = talloc_strdup(ctx, word);
	if (event)
		replace_char(event, '_', ' ');
	return event;
}

static int set_rule(struct vty *vty, const char **argv, const char *etws)
{
	struct profile_rule rule = {
		.nr = atoi(argv[0]),
		.status = cap_word(argv[1], cap_status_parse),
		.severity = cap_word(argv[2], cap_severity_parse),
		.urgency = cap_word(argv[3], cap_urgency_parse),
		.certainty = cap_word(argv[4], cap_certainty_parse),
		.event = event_from_word(profile_of(vty), argv[5]),
		.identifier = atoi(argv[6]),
		.etws = etws != NULL,
		.etws_type = etws ? get_string_value(etws_names, etws) : 0,
	};
	struct problem problem = { .detail = "Out of memory" };
	int rc = profile_set_rule(profile_of(vty), &rule, &problem);

	talloc_free(rule.event);
	if (rc < 0) {
		vty_out(vty, "%% %s%s", problem.detail, VTY_NEWLINE);
		return CMD_WARNING;
	}
	return CMD_SUCCESS;
}

DEFUN(cfg_profile_rule, cfg_profile_rule_cmd, RULE_CMD, RULE_STR)
{
	return set_rule(vty, argv, NULL);
}

DEFUN(cfg_profile_rule_etws, cfg_profile_rule_etws_cmd,
      RULE_CMD " etws (earthquake|tsunami|earthquake-and-tsunami|test|other)",
      RULE_STR "Send an ETWS primary notification first\n" "Earthquake\n" "Tsunami\n"
      "Earthquake and tsunami\n" "Test\n" "Other\n")
{
	return set_rule(vty, argv, argv[7]);
}

DEFUN(cfg_profile_no_rule, cfg_profile_no_rule_cmd, "no rule <1-999>", NO_STR "A rule\n" "Its number\n")
{
	profile_remove_rule(profile_of(vty), atoi(argv[0]));
	return CMD_SUCCESS;
}

/* Writing */

static const char *lower_word(char *buf, size_t size, int value, const char *(*name)(int))
{
	osmo_strlcpy(buf, value == PROFILE_ANY ? "any" : name(value), size);
	if (buf[0] >= 'A' && buf[0] <= 'Z')
		buf[0] += 'a' - 'A';
	return buf;
}

static const char *status_word(int v)
{
	return cap_status_name(v);
}

static const char *severity_word(int v)
{
	return cap_severity_name(v);
}

static const char *urgency_word(int v)
{
	return cap_urgency_name(v);
}

static const char *certainty_word(int v)
{
	return cap_certainty_name(v);
}

static void write_rule(struct vty *vty, const struct profile_rule *rule)
{
	char status[16], severity[16], urgency[16], certainty[16];
	char *event = talloc_strdup(vty, rule->event ? rule->event : "any");

	if (!event)
		return;
	replace_char(event, ' ', '_');
	vty_out(vty, " rule %u status %s severity %s urgency %s certainty %s event %s message-identifier %u",
		rule->nr, lower_word(status, sizeof(status), rule->status, status_word),
		lower_word(severity, sizeof(severity), rule->severity, severity_word),
		lower_word(urgency, sizeof(urgency), rule->urgency, urgency_word),
		lower_word(certainty, sizeof(certainty), rule->certainty, certainty_word),
		event, rule->identifier);
	if (rule->etws)
		vty_out(vty, " etws %s", get_value_string(etws_names, rule->etws_type));
	vty_out(vty, "%s", VTY_NEWLINE);
	talloc_free(event);
}

static const struct profile_rule *rule_by_nr(const struct profile *profile, unsigned int nr)
{
	size_t i;

	for (i = 0; i < profile->n_rules; i++) {
		if (profile->rules[i].nr == nr)
			return &profile->rules[i];
	}
	return NULL;
}

static bool same_rule(const struct profile_rule *a, const struct profile_rule *b)
{
	return a && b && a->status == b->status && a->severity == b->severity && a->urgency == b->urgency &&
	       a->certainty == b->certainty && a->identifier == b->identifier && a->etws == b->etws &&
	       a->etws_type == b->etws_type && !strcmp(a->event ? a->event : "", b->event ? b->event : "");
}

static void write_rules(struct vty *vty, const struct profile *profile, const struct profile *shipped)
{
	size_t i;

	for (i = 0; i < shipped->n_rules; i++) {
		if (!rule_by_nr(profile, shipped->rules[i].nr))
			vty_out(vty, " no rule %u%s", shipped->rules[i].nr, VTY_NEWLINE);
	}
	for (i = 0; i < profile->n_rules; i++) {
		if (!same_rule(&profile->rules[i], rule_by_nr(shipped, profile->rules[i].nr)))
			write_rule(vty, &profile->rules[i]);
	}
}

static int config_write_profile(struct vty *vty)
{
	const struct profile *profile = profile_of(vty);
	struct profile *shipped;
	size_t i;

	shipped = strcmp(profile->name, EU_ALERT) ? profile_alloc(vty, profile->name) : profile_eu_alert(vty);
	if (!shipped)
		return CMD_WARNING;
	vty_out(vty, "profile %s%s", profile->name, VTY_NEWLINE);
	for (i = 0; profile->languages[i]; i++)
		vty_out(vty, " language %s%s", profile->languages[i], VTY_NEWLINE);
	write_rules(vty, profile, shipped);
	talloc_free(shipped);
	return CMD_SUCCESS;
}

void config_profile_init(void)
{
	install_node(&profile_node, config_write_profile);
	install_element(CONFIG_NODE, &cfg_profile_cmd);
	install_element(PROFILE_NODE, &cfg_profile_language_cmd);
	install_element(PROFILE_NODE, &cfg_profile_no_language_cmd);
	install_element(PROFILE_NODE, &cfg_profile_rule_cmd);
	install_element(PROFILE_NODE, &cfg_profile_rule_etws_cmd);
	install_element(PROFILE_NODE, &cfg_profile_no_rule_cmd);
}
