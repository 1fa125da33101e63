CREATE TYPE "public"."mailing_event_kind" AS ENUM('started', 'paused', 'resumed', 'stopped', 'finished', 'edited', 'archived', 'disabled', 'enabled');--> statement-breakpoint
CREATE TABLE "mailing_event_runs" (
	"run_id" bigint NOT NULL,
	"event_id" bigint NOT NULL,
	CONSTRAINT "mailing_event_runs_run_id_event_id_pk" PRIMARY KEY("run_id","event_id")
);
--> statement-breakpoint
CREATE TABLE "mailing_events" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "mailing_events_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"mailing_id" bigint NOT NULL,
	"actor_id" bigint NOT NULL,
	"actor_name" text NOT NULL,
	"kind" "mailing_event_kind" NOT NULL,
	"detail" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"reason" text DEFAULT '' NOT NULL,
	"at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "mailing_event_runs" ADD CONSTRAINT "mailing_event_runs_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mailing_event_runs" ADD CONSTRAINT "mailing_event_runs_event_id_mailing_events_id_fk" FOREIGN KEY ("event_id") REFERENCES "public"."mailing_events"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mailing_events" ADD CONSTRAINT "mailing_events_mailing_id_mailings_id_fk" FOREIGN KEY ("mailing_id") REFERENCES "public"."mailings"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "mailing_event_runs_event" ON "mailing_event_runs" USING btree ("event_id");--> statement-breakpoint
CREATE INDEX "mailing_events_mailing" ON "mailing_events" USING btree ("mailing_id","at","id");