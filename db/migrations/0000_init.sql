create extension if not exists pg_trgm;--> statement-breakpoint
create extension if not exists btree_gin;--> statement-breakpoint
CREATE TYPE "public"."attempt_status" AS ENUM('success', 'failure', 'unknown');--> statement-breakpoint
CREATE TYPE "public"."delivery_status" AS ENUM('queued', 'sending', 'sent', 'failed', 'skipped', 'expired', 'cancelled', 'unknown');--> statement-breakpoint
CREATE TYPE "public"."audience" AS ENUM('all', 'chosen');--> statement-breakpoint
CREATE TYPE "public"."mailing_status" AS ENUM('created', 'running', 'completed');--> statement-breakpoint
CREATE TYPE "public"."periodicity" AS ENUM('once', 'daily', 'weekly', 'monthly');--> statement-breakpoint
CREATE TYPE "public"."post_status" AS ENUM('draft', 'published');--> statement-breakpoint
CREATE TYPE "public"."run_kind" AS ENUM('scheduled', 'manual');--> statement-breakpoint
CREATE TYPE "public"."run_status" AS ENUM('open', 'done', 'partly_done', 'stopped', 'missed');--> statement-breakpoint
CREATE TYPE "public"."suppression_reason" AS ENUM('unsubscribed', 'bounced', 'complained');--> statement-breakpoint
CREATE TYPE "public"."token_kind" AS ENUM('confirm_email', 'reset_password', 'change_email');--> statement-breakpoint
CREATE TYPE "public"."locale" AS ENUM('en', 'ru');--> statement-breakpoint
CREATE TABLE "attempts" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "attempts_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"delivery_id" bigint NOT NULL,
	"run_id" bigint NOT NULL,
	"mailing_id" bigint NOT NULL,
	"owner_id" bigint NOT NULL,
	"batch_id" bigint NOT NULL,
	"attempted_at" timestamp with time zone NOT NULL,
	"status" "attempt_status" NOT NULL,
	"code" smallint,
	"response" text DEFAULT '' NOT NULL,
	"stage" text DEFAULT '' NOT NULL,
	"transport" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "audit" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "audit_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"actor_id" bigint,
	"actor_email" text NOT NULL,
	"action" text NOT NULL,
	"target_type" text NOT NULL,
	"target_id" bigint,
	"reason" text DEFAULT '' NOT NULL,
	"before" jsonb,
	"after" jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "batches" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "batches_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"run_id" bigint NOT NULL,
	"transport" text NOT NULL,
	"holder" text,
	"leased_until" timestamp with time zone NOT NULL,
	"idempotency_key" text,
	"digest" text,
	"first_tried_at" timestamp with time zone,
	"repeat_at" timestamp with time zone,
	"repeats" integer DEFAULT 0 NOT NULL,
	"ended_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "client_addresses" (
	"email_key" text PRIMARY KEY NOT NULL,
	"clients" integer NOT NULL,
	CONSTRAINT "client_addresses_positive" CHECK ("client_addresses"."clients" >= 0)
);
--> statement-breakpoint
CREATE TABLE "clients" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "clients_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"owner_id" bigint NOT NULL,
	"email" text NOT NULL,
	"email_key" text NOT NULL,
	"full_name" text DEFAULT '' NOT NULL,
	"comment" text DEFAULT '' NOT NULL,
	"search" text GENERATED ALWAYS AS (lower(email || ' ' || full_name)) STORED NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "clients_email_length" CHECK (length("clients"."email") between 3 and 254),
	CONSTRAINT "clients_name_length" CHECK (length("clients"."full_name") <= 200),
	CONSTRAINT "clients_comment_length" CHECK (length("clients"."comment") <= 2000),
	CONSTRAINT "clients_one_line" CHECK ("clients"."email" !~ '[
]' and "clients"."full_name" !~ '[
]')
);
--> statement-breakpoint
CREATE TABLE "deliveries" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "deliveries_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"run_id" bigint NOT NULL,
	"client_id" bigint NOT NULL,
	"email" text NOT NULL,
	"full_name" text NOT NULL,
	"status" "delivery_status" NOT NULL,
	"reason" text,
	"tries" smallint DEFAULT 0 NOT NULL,
	"next_try_at" timestamp with time zone,
	"batch_id" bigint,
	"ended_at" timestamp with time zone,
	CONSTRAINT "deliveries_sending_has_batch" CHECK ("deliveries"."status" <> 'sending' or "deliveries"."batch_id" is not null),
	CONSTRAINT "deliveries_ended" CHECK (("deliveries"."status" in ('queued', 'sending')) = ("deliveries"."ended_at" is null))
);
--> statement-breakpoint
CREATE TABLE "letters" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "letters_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"owner_id" bigint,
	"delivery_id" bigint,
	"is_test" boolean DEFAULT false NOT NULL,
	"to_email" text NOT NULL,
	"subject" text NOT NULL,
	"html" text NOT NULL,
	"text" text NOT NULL,
	"raw" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "mailing_clients" (
	"mailing_id" bigint NOT NULL,
	"client_id" bigint NOT NULL,
	CONSTRAINT "mailing_clients_mailing_id_client_id_pk" PRIMARY KEY("mailing_id","client_id")
);
--> statement-breakpoint
CREATE TABLE "mailings" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "mailings_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"owner_id" bigint NOT NULL,
	"name" text NOT NULL,
	"message_id" bigint NOT NULL,
	"audience" "audience" NOT NULL,
	"periodicity" "periodicity" NOT NULL,
	"starts_local" text NOT NULL,
	"zone" text NOT NULL,
	"starts_at" timestamp with time zone NOT NULL,
	"ends_at" timestamp with time zone,
	"status" "mailing_status" DEFAULT 'created' NOT NULL,
	"paused_at" timestamp with time zone,
	"disabled_at" timestamp with time zone,
	"disabled_by_id" bigint,
	"disabled_reason" text,
	"next_slot_at" timestamp with time zone,
	"next_slot_index" integer DEFAULT 0 NOT NULL,
	"archived_at" timestamp with time zone,
	"search" text GENERATED ALWAYS AS (lower(name)) STORED NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "mailings_id_owner" UNIQUE("id","owner_id"),
	CONSTRAINT "mailings_name_length" CHECK (length("mailings"."name") between 1 and 200),
	CONSTRAINT "mailings_name_one_line" CHECK ("mailings"."name" !~ '[
]'),
	CONSTRAINT "mailings_end_after_start" CHECK ("mailings"."ends_at" is null or "mailings"."ends_at" > "mailings"."starts_at"),
	CONSTRAINT "mailings_disabled_with_reason" CHECK (("mailings"."disabled_at" is null) = ("mailings"."disabled_reason" is null)),
	CONSTRAINT "mailings_completed_has_no_slot" CHECK ("mailings"."status" <> 'completed' or "mailings"."next_slot_at" is null)
);
--> statement-breakpoint
CREATE TABLE "messages" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "messages_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"owner_id" bigint NOT NULL,
	"subject" text NOT NULL,
	"body" text NOT NULL,
	"archived_at" timestamp with time zone,
	"search" text GENERATED ALWAYS AS (lower(subject)) STORED NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "messages_id_owner" UNIQUE("id","owner_id"),
	CONSTRAINT "messages_subject_length" CHECK (length("messages"."subject") between 1 and 200),
	CONSTRAINT "messages_subject_one_line" CHECK ("messages"."subject" !~ '[
]'),
	CONSTRAINT "messages_body_length" CHECK (octet_length("messages"."body") <= 204800)
);
--> statement-breakpoint
CREATE TABLE "posts" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "posts_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"title" text NOT NULL,
	"slug" text NOT NULL,
	"summary" text DEFAULT '' NOT NULL,
	"body" text NOT NULL,
	"image_url" text,
	"views" integer DEFAULT 0 NOT NULL,
	"status" "post_status" DEFAULT 'draft' NOT NULL,
	"published_at" timestamp with time zone,
	"author_id" bigint,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "posts_published_has_date" CHECK ("posts"."status" <> 'published' or "posts"."published_at" is not null)
);
--> statement-breakpoint
CREATE TABLE "run_counts" (
	"run_id" bigint PRIMARY KEY NOT NULL,
	"mailing_id" bigint NOT NULL,
	"owner_id" bigint NOT NULL,
	"total" integer DEFAULT 0 NOT NULL,
	"queued" integer DEFAULT 0 NOT NULL,
	"sending" integer DEFAULT 0 NOT NULL,
	"sent" integer DEFAULT 0 NOT NULL,
	"failed" integer DEFAULT 0 NOT NULL,
	"skipped" integer DEFAULT 0 NOT NULL,
	"expired" integer DEFAULT 0 NOT NULL,
	"cancelled" integer DEFAULT 0 NOT NULL,
	"unknown" integer DEFAULT 0 NOT NULL,
	"attempts_succeeded" integer DEFAULT 0 NOT NULL,
	"attempts_failed" integer DEFAULT 0 NOT NULL,
	"attempts_unknown" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "run_counts_add_up" CHECK ("run_counts"."total" = "run_counts"."queued" + "run_counts"."sending" + "run_counts"."sent" + "run_counts"."failed" + "run_counts"."skipped" + "run_counts"."expired" + "run_counts"."cancelled" + "run_counts"."unknown"),
	CONSTRAINT "run_counts_not_negative" CHECK (least("run_counts"."queued", "run_counts"."sending", "run_counts"."sent", "run_counts"."failed", "run_counts"."skipped", "run_counts"."expired", "run_counts"."cancelled", "run_counts"."unknown", "run_counts"."attempts_succeeded", "run_counts"."attempts_failed", "run_counts"."attempts_unknown") >= 0)
);
--> statement-breakpoint
CREATE TABLE "runs" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "runs_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"mailing_id" bigint NOT NULL,
	"owner_id" bigint NOT NULL,
	"kind" "run_kind" NOT NULL,
	"slot_at" timestamp with time zone,
	"status" "run_status" NOT NULL,
	"paused_at" timestamp with time zone,
	"deadline_at" timestamp with time zone,
	"subject" text NOT NULL,
	"body" text NOT NULL,
	"from_name" text NOT NULL,
	"from_email" text NOT NULL,
	"reply_to" text NOT NULL,
	"link_base" text NOT NULL,
	"transport" text,
	"opened_at" timestamp with time zone NOT NULL,
	"locale" "locale" DEFAULT 'en' NOT NULL,
	"stopped_at" timestamp with time zone,
	"closed_at" timestamp with time zone,
	"served_at" timestamp with time zone NOT NULL,
	CONSTRAINT "runs_slot_by_kind" CHECK (("runs"."kind" = 'scheduled') = ("runs"."slot_at" is not null)),
	CONSTRAINT "runs_closed_when_over" CHECK (("runs"."status" = 'open') = ("runs"."closed_at" is null))
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"token_hash" text PRIMARY KEY NOT NULL,
	"user_id" bigint NOT NULL,
	"user_agent" text DEFAULT '' NOT NULL,
	"last_seen_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "suppressions" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "suppressions_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"owner_id" bigint NOT NULL,
	"email_key" text NOT NULL,
	"reason" "suppression_reason" NOT NULL,
	"delivery_id" bigint,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tokens" (
	"token_hash" text PRIMARY KEY NOT NULL,
	"user_id" bigint NOT NULL,
	"kind" "token_kind" NOT NULL,
	"new_email" text,
	"expires_at" timestamp with time zone NOT NULL,
	"used_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "facts" (
	"name" text PRIMARY KEY NOT NULL,
	"value" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "rate_limits" (
	"key" text PRIMARY KEY NOT NULL,
	"count" integer NOT NULL,
	"resets_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "totals" (
	"name" text NOT NULL,
	"shard" integer NOT NULL,
	"value" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "totals_name_shard_pk" PRIMARY KEY("name","shard")
);
--> statement-breakpoint
CREATE TABLE "engines" (
	"holder" text PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"seen_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "transports" (
	"name" text PRIMARY KEY NOT NULL,
	"waits_until" timestamp with time zone,
	"waits_since" timestamp with time zone,
	"wait_code" text,
	"wait_response" text,
	"waits_in_row" integer DEFAULT 0 NOT NULL,
	"tokens" double precision DEFAULT 0 NOT NULL,
	"tokens_at" timestamp with time zone DEFAULT now() NOT NULL,
	"day" date,
	"day_letters" integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "users" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "users_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"email" text NOT NULL,
	"email_key" text NOT NULL,
	"name" text NOT NULL,
	"password_hash" text NOT NULL,
	"time_zone" text DEFAULT 'UTC' NOT NULL,
	"locale" "locale" DEFAULT 'en' NOT NULL,
	"is_staff" boolean DEFAULT false NOT NULL,
	"is_superuser" boolean DEFAULT false NOT NULL,
	"is_demo" boolean DEFAULT false NOT NULL,
	"confirmed_at" timestamp with time zone,
	"blocked_at" timestamp with time zone,
	"blocked_by_id" bigint,
	"blocked_reason" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "users_superuser_is_staff" CHECK (not "users"."is_superuser" or "users"."is_staff"),
	CONSTRAINT "users_blocked_with_reason" CHECK (("users"."blocked_at" is null) = ("users"."blocked_reason" is null)),
	CONSTRAINT "users_name_length" CHECK (length("users"."name") between 1 and 200)
);
--> statement-breakpoint
ALTER TABLE "attempts" ADD CONSTRAINT "attempts_delivery_id_deliveries_id_fk" FOREIGN KEY ("delivery_id") REFERENCES "public"."deliveries"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "batches" ADD CONSTRAINT "batches_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "clients" ADD CONSTRAINT "clients_owner_id_users_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "deliveries" ADD CONSTRAINT "deliveries_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "letters" ADD CONSTRAINT "letters_owner_id_users_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mailing_clients" ADD CONSTRAINT "mailing_clients_mailing_id_mailings_id_fk" FOREIGN KEY ("mailing_id") REFERENCES "public"."mailings"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mailing_clients" ADD CONSTRAINT "mailing_clients_client_id_clients_id_fk" FOREIGN KEY ("client_id") REFERENCES "public"."clients"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mailings" ADD CONSTRAINT "mailings_owner_id_users_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mailings" ADD CONSTRAINT "mailings_disabled_by_id_users_id_fk" FOREIGN KEY ("disabled_by_id") REFERENCES "public"."users"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mailings" ADD CONSTRAINT "mailings_message_of_owner" FOREIGN KEY ("message_id","owner_id") REFERENCES "public"."messages"("id","owner_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "messages" ADD CONSTRAINT "messages_owner_id_users_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "posts" ADD CONSTRAINT "posts_author_id_users_id_fk" FOREIGN KEY ("author_id") REFERENCES "public"."users"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "run_counts" ADD CONSTRAINT "run_counts_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "runs" ADD CONSTRAINT "runs_mailing_of_owner" FOREIGN KEY ("mailing_id","owner_id") REFERENCES "public"."mailings"("id","owner_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "suppressions" ADD CONSTRAINT "suppressions_owner_id_users_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tokens" ADD CONSTRAINT "tokens_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "users" ADD CONSTRAINT "users_blocked_by_id_users_id_fk" FOREIGN KEY ("blocked_by_id") REFERENCES "public"."users"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "attempts_delivery" ON "attempts" USING btree ("delivery_id");--> statement-breakpoint
CREATE INDEX "attempts_run" ON "attempts" USING btree ("run_id","id");--> statement-breakpoint
CREATE INDEX "attempts_mailing" ON "attempts" USING btree ("mailing_id","id");--> statement-breakpoint
CREATE INDEX "attempts_owner" ON "attempts" USING btree ("owner_id","id");--> statement-breakpoint
CREATE INDEX "audit_target" ON "audit" USING btree ("target_type","target_id");--> statement-breakpoint
CREATE INDEX "audit_actor" ON "audit" USING btree ("actor_id","id");--> statement-breakpoint
CREATE INDEX "batches_leased" ON "batches" USING btree ("leased_until") WHERE "batches"."ended_at" is null;--> statement-breakpoint
CREATE INDEX "batches_run" ON "batches" USING btree ("run_id") WHERE "batches"."ended_at" is null;--> statement-breakpoint
CREATE UNIQUE INDEX "clients_owner_email" ON "clients" USING btree ("owner_id","email_key");--> statement-breakpoint
CREATE INDEX "clients_owner_id" ON "clients" USING btree ("owner_id","id");--> statement-breakpoint
CREATE INDEX "clients_owner_name" ON "clients" USING btree ("owner_id","full_name","id");--> statement-breakpoint
CREATE INDEX "clients_search" ON "clients" USING gin ("owner_id","search" gin_trgm_ops);--> statement-breakpoint
CREATE UNIQUE INDEX "deliveries_run_client" ON "deliveries" USING btree ("run_id","client_id");--> statement-breakpoint
CREATE INDEX "deliveries_queued" ON "deliveries" USING btree ("run_id","next_try_at" NULLS FIRST,"id") WHERE "deliveries"."status" = 'queued';--> statement-breakpoint
CREATE INDEX "deliveries_sending" ON "deliveries" USING btree ("batch_id") WHERE "deliveries"."status" = 'sending';--> statement-breakpoint
CREATE INDEX "deliveries_client" ON "deliveries" USING btree ("client_id","id");--> statement-breakpoint
CREATE INDEX "letters_owner" ON "letters" USING btree ("owner_id","id");--> statement-breakpoint
CREATE INDEX "letters_to" ON "letters" USING btree ("to_email","id");--> statement-breakpoint
CREATE INDEX "mailing_clients_client" ON "mailing_clients" USING btree ("client_id");--> statement-breakpoint
CREATE INDEX "mailings_owner_id" ON "mailings" USING btree ("owner_id","id");--> statement-breakpoint
CREATE INDEX "mailings_message" ON "mailings" USING btree ("message_id");--> statement-breakpoint
CREATE INDEX "mailings_due" ON "mailings" USING btree ("next_slot_at") WHERE "mailings"."next_slot_at" is not null;--> statement-breakpoint
CREATE INDEX "mailings_over" ON "mailings" USING btree ("id") WHERE "mailings"."next_slot_at" is null and "mailings"."status" <> 'completed';--> statement-breakpoint
CREATE INDEX "mailings_search" ON "mailings" USING gin ("owner_id","search" gin_trgm_ops);--> statement-breakpoint
CREATE INDEX "messages_owner_id" ON "messages" USING btree ("owner_id","id");--> statement-breakpoint
CREATE INDEX "messages_search" ON "messages" USING gin ("owner_id","search" gin_trgm_ops);--> statement-breakpoint
CREATE UNIQUE INDEX "posts_slug" ON "posts" USING btree ("slug");--> statement-breakpoint
CREATE INDEX "posts_published" ON "posts" USING btree ("published_at","id") WHERE "posts"."status" = 'published';--> statement-breakpoint
CREATE INDEX "run_counts_mailing" ON "run_counts" USING btree ("mailing_id");--> statement-breakpoint
CREATE INDEX "run_counts_owner" ON "run_counts" USING btree ("owner_id");--> statement-breakpoint
CREATE UNIQUE INDEX "runs_mailing_slot" ON "runs" USING btree ("mailing_id","slot_at") WHERE "runs"."kind" = 'scheduled';--> statement-breakpoint
CREATE UNIQUE INDEX "runs_one_open" ON "runs" USING btree ("mailing_id","kind") WHERE "runs"."status" = 'open';--> statement-breakpoint
CREATE INDEX "runs_open" ON "runs" USING btree ("served_at") WHERE "runs"."status" = 'open';--> statement-breakpoint
CREATE INDEX "runs_mailing_id" ON "runs" USING btree ("mailing_id","id");--> statement-breakpoint
CREATE INDEX "runs_owner_id" ON "runs" USING btree ("owner_id","id");--> statement-breakpoint
CREATE INDEX "sessions_user" ON "sessions" USING btree ("user_id");--> statement-breakpoint
CREATE UNIQUE INDEX "suppressions_owner_email" ON "suppressions" USING btree ("owner_id","email_key");--> statement-breakpoint
CREATE INDEX "tokens_user_kind" ON "tokens" USING btree ("user_id","kind");--> statement-breakpoint
CREATE UNIQUE INDEX "users_email_key" ON "users" USING btree ("email_key");--> statement-breakpoint
CREATE INDEX "users_blocked_by" ON "users" USING btree ("blocked_by_id") WHERE "users"."blocked_by_id" is not null;