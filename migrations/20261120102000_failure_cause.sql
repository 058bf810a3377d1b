-- What kind of thing went wrong, for scripts and metrics. There is no check: releases add causes.
ALTER TABLE extractor.failures ADD COLUMN cause text NOT NULL DEFAULT 'other';

COMMENT ON COLUMN extractor.failures.cause IS 'What kind of thing went wrong, machine-readable: timeout, too_large, unreadable, refused, server_error, unstorable, lacking_links, lacking_children, lacking_fields or other. Written by hydration with the failure.';
