-- What the tiers mean, now that all of them are produced.
COMMENT ON COLUMN jira.issues.tier IS 'How the issue was fetched last: full (at once), hub (too heavy for that: the links apart from the rest) or minimal (only a few fields could be had: it is in extractor.incomplete_issues). Written by hydration.';
COMMENT ON COLUMN jira.issues.fields IS 'Every field as Jira gave it. Where lacking or tier says that some could not be had, those are as they were stored before.';
