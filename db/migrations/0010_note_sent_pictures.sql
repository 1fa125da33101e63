-- In the function of 0007 `found` was taken for PL/pgSQL's own variable of that name.
CREATE OR REPLACE FUNCTION note_sent_pictures() RETURNS trigger LANGUAGE plpgsql AS $$
begin
  update uploads set sent_at = now()
  where sent_at is null and name in (select shown[1] from regexp_matches(new.body, '/uploads/([0-9a-f]{32})', 'g') as shown);
  return null;
end $$;
