-- A login that arrives twice must not open again what was revoked in between: its token is looked for.

ALTER TABLE session_revocations ADD KEY session_revocations_token_hash (token_hash);
