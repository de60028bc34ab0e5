/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The VTY node of the rules of short messages. What is changed counts for the next alert; on-unknown
 * and the rules of classes at once. */
#include <tocsin/front/vty_command.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <tocsin/base/text.h>
#include <tocsin/codec/sms.h>
#include <tocsin/core/sms_rules.h>

#include "config_private.h"

/* A prefix must leave room for what it precedes. */
#define PREFIX_MAX_OCTETS 40

static struct cmd_node sms_node = { .node = SMS_NODE, .prompt = "%s(config-sms)# ", .vtysh = 1 };

static const struct value_string class_names[] = {
	{ MESSAGE_CLASS_NATIONAL, "national" },
	{ MESSAGE_CLASS_SEVERE, "severe" },
	{ MESSAGE_CLASS_OTHER, "other" },
	{ 0, NULL }
};

static struct sms_rules *rules_of(const struct vty *vty)
{
	return gateway_sms(config_of_vty(vty)->gw);
}

DEFUN(cfg_sms, cfg_sms_cmd, "sms", "Rules of short messages\n")
{
	vty->node = SMS_NODE;
	return CMD_SUCCESS;
}

DEFUN(cfg_sms_sender, cfg_sms_sender_cmd, "sender-id .TEXT",
      "From whom short messages are; without one no message centre can be used\n"
      "3 to 11 letters, digits, blanks, '.', '_', '-'; a number with \"+\"; a short code of 3 to 8 digits\n")
{
	struct sms_rules *rules = rules_of(vty);
	char *text = config_text(vty);
	struct problem problem;
	struct sender_id id;
	int rc;

	if (!text)
		return CMD_WARNING;
	rc = sender_id_parse(text, &id, &problem);
	talloc_free(text);
	if (rc < 0)
		return config_say_problem(vty, &problem);
	rules->sender = id;
	rules->has_sender = true;
	return CMD_SUCCESS;
}

/* Rules of classes */

static int set_rule(struct vty *vty, const char *class, struct sms_rule rule)
{
	rules_of(vty)->rule[get_string_value(class_names, class)] = rule;
	return CMD_SUCCESS;
}

#define CLASS_CMD "class (national|severe|other) "
#define CLASS_STR "When alerts of a class go out by short message too\n" \
	"National warnings, ETWS, extreme and immediate\n" "Other extreme and severe warnings\n" \
	"Everything else, tests and exercises\n"
#define ALWAYS_STR "To all recipients in the cells of the alert\n"
#define UNCONFIRMED_STR "Where broadcast is not confirmed\n" "After that many seconds\n"
#define ENTERING_STR "Also to those who enter while the alert lives\n"

DEFUN(cfg_sms_class_never, cfg_sms_class_never_cmd, CLASS_CMD "never", CLASS_STR "Never\n")
{
	return set_rule(vty, argv[0], (struct sms_rule){ .when = SMS_NEVER });
}

DEFUN(cfg_sms_class_always, cfg_sms_class_always_cmd, CLASS_CMD "always", CLASS_STR ALWAYS_STR)
{
	return set_rule(vty, argv[0], (struct sms_rule){ .when = SMS_ALWAYS });
}

DEFUN(cfg_sms_class_always_entering, cfg_sms_class_always_entering_cmd, CLASS_CMD "always entering",
      CLASS_STR ALWAYS_STR ENTERING_STR)
{
	return set_rule(vty, argv[0], (struct sms_rule){ .when = SMS_ALWAYS, .entering = true });
}

DEFUN(cfg_sms_class_unconfirmed, cfg_sms_class_unconfirmed_cmd, CLASS_CMD "unconfirmed <10-3600>",
      CLASS_STR UNCONFIRMED_STR)
{
	return set_rule(vty, argv[0], (struct sms_rule){ .when = SMS_UNCONFIRMED, .after_s = atoi(argv[1]) });
}

DEFUN(cfg_sms_class_unconfirmed_entering, cfg_sms_class_unconfirmed_entering_cmd,
      CLASS_CMD "unconfirmed <10-3600> entering", CLASS_STR UNCONFIRMED_STR ENTERING_STR)
{
	return set_rule(vty, argv[0], (struct sms_rule){ .when = SMS_UNCONFIRMED, .after_s = atoi(argv[1]),
							 .entering = true });
}

/* Texts */

DEFUN(cfg_sms_max_parts, cfg_sms_max_parts_cmd, "max-parts <1-15>",
      "Longest text of a short message; a longer one is cut at a word\n" "Parts\n")
{
	rules_of(vty)->max_parts = atoi(argv[0]);
	return CMD_SUCCESS;
}

static int refuse_text(struct vty *vty, const char *why)
{
	vty_out(vty, "%% %s%s", why, VTY_NEWLINE);
	return CMD_WARNING;
}

static int set_text(struct vty *vty, char **where, size_t max)
{
	char *text = config_text(vty);
	size_t len = text ? strlen(text) : 0;
	int rc;

	if (!text)
		return CMD_WARNING;
	if (!text[strspn(text, " \t")])
		rc = refuse_text(vty, "The text is empty");
	else if (len > max)
		rc = refuse_text(vty, "The text is too long");
	else if (!text_utf8_valid(text, len))
		rc = refuse_text(vty, "The text is not UTF-8");
	else
		rc = config_set_string(vty, rules_of(vty), where, text);
	talloc_free(text);
	return rc;
}

DEFUN(cfg_sms_drill_prefix, cfg_sms_drill_prefix_cmd, "drill-prefix .TEXT",
      "What the text of a test or exercise begins with\n"
      "Text; in quotes where it begins or ends with a blank\n")
{
	return set_text(vty, &rules_of(vty)->drill_prefix, PREFIX_MAX_OCTETS);
}

DEFUN(cfg_sms_cancel_text, cfg_sms_cancel_text_cmd, "cancel-text .TEXT",
      "Tell those who were reached of a Cancel: its own text, or this one\n"
      "Text; in quotes where it begins or ends with a blank\n")
{
	return set_text(vty, &rules_of(vty)->cancel_text, SIZE_MAX);
}

DEFUN(cfg_sms_no_cancel_text, cfg_sms_no_cancel_text_cmd, "no cancel-text",
      NO_STR "Tell those who were reached of a Cancel\n")
{
	TALLOC_FREE(rules_of(vty)->cancel_text);
	return CMD_SUCCESS;
}

DEFUN(cfg_sms_on_unknown, cfg_sms_on_unknown_cmd, "on-unknown (repeat|leave)",
      "What to do when it is not known whether a short message was taken\n"
      "Send it again: nobody is missed, some may get it twice\n"
      "Leave it: nobody gets it twice, some may be missed\n")
{
	rules_of(vty)->leave_unknown = !strcmp(argv[0], "leave");
	return CMD_SUCCESS;
}

/* Writing */

static void write_class(struct vty *vty, const char *name, const struct sms_rule *rule)
{
	vty_out(vty, " class %s %s", name, sms_when_name(rule->when));
	if (rule->when == SMS_UNCONFIRMED)
		vty_out(vty, " %u", rule->after_s);
	vty_out(vty, "%s%s", rule->entering ? " entering" : "", VTY_NEWLINE);
}

static int config_write_sms(struct vty *vty)
{
	const struct sms_rules *rules = rules_of(vty);
	const struct value_string *class;
	char sender[SENDER_ID_TEXT_LEN];

	vty_out(vty, "sms%s", VTY_NEWLINE);
	if (rules->has_sender)
		config_write_text(vty, "sender-id", sender_id_format(&rules->sender, sender, sizeof(sender)));
	for (class = class_names; class->str; class++)
		write_class(vty, class->str, &rules->rule[class->value]);
	vty_out(vty, " max-parts %u%s", rules->max_parts, VTY_NEWLINE);
	config_write_text(vty, "drill-prefix", rules->drill_prefix);
	if (rules->cancel_text)
		config_write_text(vty, "cancel-text", rules->cancel_text);
	else
		vty_out(vty, " no cancel-text%s", VTY_NEWLINE);
	vty_out(vty, " on-unknown %s%s", rules->leave_unknown ? "leave" : "repeat", VTY_NEWLINE);
	return CMD_SUCCESS;
}

void config_sms_init(void)
{
	install_node(&sms_node, config_write_sms);
	install_element(CONFIG_NODE, &cfg_sms_cmd);
	install_element(SMS_NODE, &cfg_sms_sender_cmd);
	install_element(SMS_NODE, &cfg_sms_class_never_cmd);
	install_element(SMS_NODE, &cfg_sms_class_always_cmd);
	install_element(SMS_NODE, &cfg_sms_class_always_entering_cmd);
	install_element(SMS_NODE, &cfg_sms_class_unconfirmed_cmd);
	install_element(SMS_NODE, &cfg_sms_class_unconfirmed_entering_cmd);
	install_element(SMS_NODE, &cfg_sms_max_parts_cmd);
	install_element(SMS_NODE, &cfg_sms_drill_prefix_cmd);
	install_element(SMS_NODE, &cfg_sms_cancel_text_cmd);
	install_element(SMS_NODE, &cfg_sms_no_cancel_text_cmd);
	install_element(SMS_NODE, &cfg_sms_on_unknown_cmd);
}
