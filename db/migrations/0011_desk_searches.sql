ALTER TABLE "audit" ADD COLUMN "target_name" text DEFAULT '' NOT NULL;--> statement-breakpoint
-- History is never edited, but this is a column it did not have.
ALTER TABLE "audit" DISABLE TRIGGER "audit_stays";--> statement-breakpoint
-- As what it concerns is called now, else as it was called when it was changed: nobody wrote down more.
UPDATE "audit" a SET "target_name" = coalesce(
  case a.target_type
    when 'user' then (select u.email from users u where u.id = a.target_id)
    when 'mailing' then (select m.name from mailings m where m.id = a.target_id)
    when 'client' then (select c.email from clients c where c.id = a.target_id)
    when 'message' then (select m.subject from messages m where m.id = a.target_id)
    when 'post' then (select coalesce(nullif(p.title, ''), p.slug) from posts p where p.id = a.target_id)
  end,
  a.before ->> 'name', a.before ->> 'email', a.before ->> 'subject', a.before ->> 'title',
  case when a.target_type = 'user' and a.target_id = a.actor_id then a.actor_email end, '');--> statement-breakpoint
ALTER TABLE "audit" ENABLE TRIGGER "audit_stays";--> statement-breakpoint
ALTER TABLE "audit" ADD COLUMN "search" text GENERATED ALWAYS AS (lower(actor_email || ' ' || target_name || ' ' || reason)) STORED NOT NULL;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "search" text GENERATED ALWAYS AS (lower(email || ' ' || name)) STORED NOT NULL;--> statement-breakpoint
CREATE INDEX "audit_created" ON "audit" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "audit_action" ON "audit" USING btree ("action","created_at","id");--> statement-breakpoint
CREATE INDEX "audit_search" ON "audit" USING gin ("search" gin_trgm_ops);--> statement-breakpoint
CREATE INDEX "mailings_status" ON "mailings" USING btree ("status","id");--> statement-breakpoint
CREATE INDEX "mailings_paused" ON "mailings" USING btree ("id") WHERE "mailings"."paused_at" is not null;--> statement-breakpoint
CREATE INDEX "mailings_disabled" ON "mailings" USING btree ("id") WHERE "mailings"."disabled_at" is not null;--> statement-breakpoint
CREATE INDEX "users_search" ON "users" USING gin ("search" gin_trgm_ops);--> statement-breakpoint
CREATE INDEX "users_staff" ON "users" USING btree ("id") WHERE "users"."is_staff";--> statement-breakpoint
CREATE INDEX "users_blocked" ON "users" USING btree ("id") WHERE "users"."blocked_at" is not null;--> statement-breakpoint
CREATE INDEX "users_unconfirmed" ON "users" USING btree ("id") WHERE "users"."confirmed_at" is null;