CREATE TABLE "former_addresses" (
	"address" text NOT NULL,
	"owner_id" bigint NOT NULL,
	"client_id" bigint NOT NULL,
	CONSTRAINT "former_addresses_address_owner_id_client_id_pk" PRIMARY KEY("address","owner_id","client_id")
);
--> statement-breakpoint
ALTER TABLE "former_addresses" ADD CONSTRAINT "former_addresses_owner_id_users_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "former_addresses_owner" ON "former_addresses" USING btree ("owner_id");--> statement-breakpoint
insert into former_addresses (address, owner_id, client_id)
select distinct lower(d.email), r.owner_id, d.client_id
from deliveries d join runs r on r.id = d.run_id left join clients c on c.id = d.client_id
where c.id is null or lower(c.email) <> lower(d.email);--> statement-breakpoint
-- Who never got a letter leaves nothing behind. Asked for each by the index: a join might read all deliveries there are.
create function clients_remembered() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    insert into former_addresses (address, owner_id, client_id)
    select lower(o.email), o.owner_id, o.id from old_rows o
    where (select true from deliveries d where d.client_id = o.id limit 1)
      -- With the account goes all of it.
      and exists (select 1 from users u where u.id = o.owner_id)
    on conflict do nothing;
  else
    insert into former_addresses (address, owner_id, client_id)
    select lower(o.email), o.owner_id, o.id from old_rows o join new_rows n using (id)
    where lower(o.email) <> lower(n.email) and (select true from deliveries d where d.client_id = o.id limit 1)
    on conflict do nothing;
  end if;
  return null;
end $$;
--> statement-breakpoint
create trigger clients_deleted_remembered after delete on clients referencing old table as old_rows
  for each statement execute function clients_remembered();
--> statement-breakpoint
create trigger clients_updated_remembered after update on clients referencing old table as old_rows new table as new_rows
  for each statement execute function clients_remembered();
