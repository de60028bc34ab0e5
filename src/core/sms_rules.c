/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/core/sms_rules.h>

#include <osmocom/core/talloc.h>

struct sms_rules *sms_rules_alloc(void *ctx)
{
	struct sms_rules *rules = talloc_zero(ctx, struct sms_rules);

	if (!rules)
		return NULL;
	rules->max_parts = SMS_DEFAULT_PARTS;
	rules->drill_prefix = talloc_strdup(rules, SMS_DEFAULT_DRILL_PREFIX);
	if (!rules->drill_prefix)
		TALLOC_FREE(rules);
	return rules;
}

const char *sms_when_name(enum sms_when when)
{
	static const char *const names[] = {
		[SMS_NEVER] = "never", [SMS_ALWAYS] = "always", [SMS_UNCONFIRMED] = "unconfirmed",
	};

	return (unsigned int)when < sizeof(names) / sizeof(names[0]) ? names[when] : NULL;
}
