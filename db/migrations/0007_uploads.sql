CREATE TYPE "public"."upload_kind" AS ENUM('jpg', 'png', 'webp', 'avif');--> statement-breakpoint
CREATE TYPE "public"."upload_purpose" AS ENUM('letter', 'post');--> statement-breakpoint
CREATE TYPE "public"."upload_storage" AS ENUM('disk', 'blob');--> statement-breakpoint
CREATE TABLE "uploads" (
	"name" text PRIMARY KEY NOT NULL,
	"owner_id" bigint,
	"purpose" "upload_purpose" NOT NULL,
	"storage" "upload_storage" NOT NULL,
	"kind" "upload_kind",
	"bytes" integer,
	"width" integer,
	"height" integer,
	"widths" integer[] DEFAULT '{}'::integer[] NOT NULL,
	"sent_at" timestamp with time zone,
	"orphaned_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "uploads_name" CHECK ("uploads"."name" ~ '^[0-9a-f]{32}$'),
	CONSTRAINT "uploads_whole_or_not" CHECK (num_nulls("uploads"."kind", "uploads"."bytes", "uploads"."width", "uploads"."height") in (0, 4)),
	CONSTRAINT "uploads_sizes" CHECK (least("uploads"."bytes", "uploads"."width", "uploads"."height") > 0)
);
--> statement-breakpoint
ALTER TABLE "uploads" ADD CONSTRAINT "uploads_owner_id_users_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."users"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "uploads_owner" ON "uploads" USING btree ("owner_id");--> statement-breakpoint
CREATE INDEX "uploads_orphaned" ON "uploads" USING btree ("orphaned_at") WHERE "uploads"."sent_at" is null;--> statement-breakpoint
-- What a letter shows is kept for good: from the moment a run freezes the letter, whichever engine opens it.
CREATE FUNCTION note_sent_pictures() RETURNS trigger LANGUAGE plpgsql AS $$
begin
  update uploads set sent_at = now()
  where sent_at is null and name in (select found[1] from regexp_matches(new.body, '/uploads/([0-9a-f]{32})', 'g') as found);
  return null;
end $$;--> statement-breakpoint
CREATE TRIGGER runs_note_sent_pictures AFTER INSERT ON "runs" FOR EACH ROW
  WHEN (new.body like '%/uploads/%') EXECUTE FUNCTION note_sent_pictures();
