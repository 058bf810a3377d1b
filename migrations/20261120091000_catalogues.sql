-- The catalogues. All have the same shape, so that one statement shape loads them; typed extras are computed from raw.

CREATE TABLE jira.fields (
    site        text        NOT NULL,
    id          text        NOT NULL,
    name        text        NOT NULL,
    custom      boolean     GENERATED ALWAYS AS (raw -> 'custom' = 'true'::jsonb) STORED,
    schema_type text        GENERATED ALWAYS AS (raw -> 'schema' ->> 'type') STORED,
    raw         jsonb       NOT NULL,
    seen_at     timestamptz NOT NULL,
    CONSTRAINT fields_pk PRIMARY KEY (site, id)
);

COMMENT ON TABLE jira.fields IS 'Fields, system and custom. Written at the start of a run; an entry that Jira no longer has is kept.';
COMMENT ON COLUMN jira.fields.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira.fields.id IS 'Jira''s id.';
COMMENT ON COLUMN jira.fields.name IS 'The name.';
COMMENT ON COLUMN jira.fields.custom IS 'Whether it is a custom field.';
COMMENT ON COLUMN jira.fields.schema_type IS 'Type of the value, such as string, array or user.';
COMMENT ON COLUMN jira.fields.raw IS 'The entry as Jira gave it.';
COMMENT ON COLUMN jira.fields.seen_at IS 'When a run last saw the entry, to the hour, by the database''s clock.';

CREATE TABLE jira.projects (
    site         text        NOT NULL,
    id           text        NOT NULL,
    name         text        NOT NULL,
    key          text        GENERATED ALWAYS AS (raw ->> 'key') STORED,
    project_type text        GENERATED ALWAYS AS (raw ->> 'projectTypeKey') STORED,
    raw          jsonb       NOT NULL,
    seen_at      timestamptz NOT NULL,
    CONSTRAINT projects_pk PRIMARY KEY (site, id)
);

COMMENT ON TABLE jira.projects IS 'Projects. Written at the start of a run; an entry that Jira no longer has is kept.';
COMMENT ON COLUMN jira.projects.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira.projects.id IS 'Jira''s id.';
COMMENT ON COLUMN jira.projects.name IS 'The name.';
COMMENT ON COLUMN jira.projects.key IS 'The project''s key.';
COMMENT ON COLUMN jira.projects.project_type IS 'software, business or service_desk.';
COMMENT ON COLUMN jira.projects.raw IS 'The entry as Jira gave it.';
COMMENT ON COLUMN jira.projects.seen_at IS 'When a run last saw the entry, to the hour, by the database''s clock.';

CREATE TABLE jira.statuses (
    site     text        NOT NULL,
    id       text        NOT NULL,
    name     text        NOT NULL,
    category text        GENERATED ALWAYS AS (raw -> 'statusCategory' ->> 'key') STORED,
    raw      jsonb       NOT NULL,
    seen_at  timestamptz NOT NULL,
    CONSTRAINT statuses_pk PRIMARY KEY (site, id)
);

COMMENT ON TABLE jira.statuses IS 'Statuses. Written at the start of a run; an entry that Jira no longer has is kept.';
COMMENT ON COLUMN jira.statuses.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira.statuses.id IS 'Jira''s id.';
COMMENT ON COLUMN jira.statuses.name IS 'The name.';
COMMENT ON COLUMN jira.statuses.category IS 'new, indeterminate, done or undefined.';
COMMENT ON COLUMN jira.statuses.raw IS 'The entry as Jira gave it.';
COMMENT ON COLUMN jira.statuses.seen_at IS 'When a run last saw the entry, to the hour, by the database''s clock.';

CREATE TABLE jira.issue_types (
    site    text        NOT NULL,
    id      text        NOT NULL,
    name    text        NOT NULL,
    subtask boolean     GENERATED ALWAYS AS (raw -> 'subtask' = 'true'::jsonb) STORED,
    raw     jsonb       NOT NULL,
    seen_at timestamptz NOT NULL,
    CONSTRAINT issue_types_pk PRIMARY KEY (site, id)
);

COMMENT ON TABLE jira.issue_types IS 'Issue types. Written at the start of a run; an entry that Jira no longer has is kept.';
COMMENT ON COLUMN jira.issue_types.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira.issue_types.id IS 'Jira''s id.';
COMMENT ON COLUMN jira.issue_types.name IS 'The name.';
COMMENT ON COLUMN jira.issue_types.subtask IS 'Whether issues of this type are sub-tasks.';
COMMENT ON COLUMN jira.issue_types.raw IS 'The entry as Jira gave it.';
COMMENT ON COLUMN jira.issue_types.seen_at IS 'When a run last saw the entry, to the hour, by the database''s clock.';

CREATE TABLE jira.priorities (
    site    text        NOT NULL,
    id      text        NOT NULL,
    name    text        NOT NULL,
    raw     jsonb       NOT NULL,
    seen_at timestamptz NOT NULL,
    CONSTRAINT priorities_pk PRIMARY KEY (site, id)
);

COMMENT ON TABLE jira.priorities IS 'Priorities. Written at the start of a run; an entry that Jira no longer has is kept.';
COMMENT ON COLUMN jira.priorities.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira.priorities.id IS 'Jira''s id.';
COMMENT ON COLUMN jira.priorities.name IS 'The name.';
COMMENT ON COLUMN jira.priorities.raw IS 'The entry as Jira gave it.';
COMMENT ON COLUMN jira.priorities.seen_at IS 'When a run last saw the entry, to the hour, by the database''s clock.';

CREATE TABLE jira.resolutions (
    site    text        NOT NULL,
    id      text        NOT NULL,
    name    text        NOT NULL,
    raw     jsonb       NOT NULL,
    seen_at timestamptz NOT NULL,
    CONSTRAINT resolutions_pk PRIMARY KEY (site, id)
);

COMMENT ON TABLE jira.resolutions IS 'Resolutions. Written at the start of a run; an entry that Jira no longer has is kept.';
COMMENT ON COLUMN jira.resolutions.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira.resolutions.id IS 'Jira''s id.';
COMMENT ON COLUMN jira.resolutions.name IS 'The name.';
COMMENT ON COLUMN jira.resolutions.raw IS 'The entry as Jira gave it.';
COMMENT ON COLUMN jira.resolutions.seen_at IS 'When a run last saw the entry, to the hour, by the database''s clock.';

CREATE TABLE jira.link_types (
    site    text        NOT NULL,
    id      text        NOT NULL,
    name    text        NOT NULL,
    inward  text        GENERATED ALWAYS AS (raw ->> 'inward') STORED,
    outward text        GENERATED ALWAYS AS (raw ->> 'outward') STORED,
    raw     jsonb       NOT NULL,
    seen_at timestamptz NOT NULL,
    CONSTRAINT link_types_pk PRIMARY KEY (site, id)
);

COMMENT ON TABLE jira.link_types IS 'Link types. Written at the start of a run; an entry that Jira no longer has is kept.';
COMMENT ON COLUMN jira.link_types.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira.link_types.id IS 'Jira''s id.';
COMMENT ON COLUMN jira.link_types.name IS 'The name.';
COMMENT ON COLUMN jira.link_types.inward IS 'How the link reads from its target, such as "is blocked by".';
COMMENT ON COLUMN jira.link_types.outward IS 'How the link reads from its source, such as "blocks".';
COMMENT ON COLUMN jira.link_types.raw IS 'The entry as Jira gave it.';
COMMENT ON COLUMN jira.link_types.seen_at IS 'When a run last saw the entry, to the hour, by the database''s clock.';

CREATE TABLE jira.versions (
    site         text        NOT NULL,
    id           text        NOT NULL,
    project_key  text        NOT NULL,
    name         text        NOT NULL,
    released     boolean     GENERATED ALWAYS AS (raw -> 'released' = 'true'::jsonb) STORED,
    archived     boolean     GENERATED ALWAYS AS (raw -> 'archived' = 'true'::jsonb) STORED,
    release_date text        GENERATED ALWAYS AS (raw ->> 'releaseDate') STORED,
    raw          jsonb       NOT NULL,
    seen_at      timestamptz NOT NULL,
    CONSTRAINT versions_pk PRIMARY KEY (site, id)
);

CREATE INDEX versions_project_idx ON jira.versions (project_key, site);

COMMENT ON TABLE jira.versions IS 'Versions of projects. Written at the start of a run; an entry that Jira no longer has is kept.';
COMMENT ON COLUMN jira.versions.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira.versions.id IS 'Jira''s id.';
COMMENT ON COLUMN jira.versions.project_key IS 'Key of the project it belongs to.';
COMMENT ON COLUMN jira.versions.name IS 'The name.';
COMMENT ON COLUMN jira.versions.released IS 'Whether it is released.';
COMMENT ON COLUMN jira.versions.archived IS 'Whether it is archived.';
COMMENT ON COLUMN jira.versions.release_date IS 'Release date as Jira gives it (YYYY-MM-DD).';
COMMENT ON COLUMN jira.versions.raw IS 'The entry as Jira gave it.';
COMMENT ON COLUMN jira.versions.seen_at IS 'When a run last saw the entry, to the hour, by the database''s clock.';

CREATE TABLE jira.components (
    site        text        NOT NULL,
    id          text        NOT NULL,
    project_key text        NOT NULL,
    name        text        NOT NULL,
    description text        GENERATED ALWAYS AS (raw ->> 'description') STORED,
    raw         jsonb       NOT NULL,
    seen_at     timestamptz NOT NULL,
    CONSTRAINT components_pk PRIMARY KEY (site, id)
);

CREATE INDEX components_project_idx ON jira.components (project_key, site);

COMMENT ON TABLE jira.components IS 'Components of projects. Written at the start of a run; an entry that Jira no longer has is kept.';
COMMENT ON COLUMN jira.components.site IS 'Short name of the Jira instance.';
COMMENT ON COLUMN jira.components.id IS 'Jira''s id.';
COMMENT ON COLUMN jira.components.project_key IS 'Key of the project it belongs to.';
COMMENT ON COLUMN jira.components.name IS 'The name.';
COMMENT ON COLUMN jira.components.description IS 'Description.';
COMMENT ON COLUMN jira.components.raw IS 'The entry as Jira gave it.';
COMMENT ON COLUMN jira.components.seen_at IS 'When a run last saw the entry, to the hour, by the database''s clock.';
