'use client';

import { X } from 'lucide-react';
import { useTranslations } from 'next-intl';
import { useEffect, useId, useRef, useState, useSyncExternalStore } from 'react';
import { Badge } from '@/components/ui/badge';
import { Button } from '@/components/ui/button';
import { CheckField, FieldError, TextField } from '@/components/ui/field';
import { type PickedPage, pickClientsAction } from '@/lib/mailings/actions';
import { everybody } from '@/lib/mailings/schema';

/** What is chosen, as the form sends it: the searches and single changes, never all the ids. */
export type Choice = { keep: boolean; found: string[]; clientIds: number[]; without: number[] };

const never = () => () => {};
/** False on the server and until scripts run. */
export function useHydrated(): boolean {
  return useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
}

/**
 * Chooses among 5 clients or 50,000: the server searches, and "all found" sends the search. Without JavaScript it is a list
 * of the newest clients with checkboxes and a field for the search.
 */
export function ClientPicker({
  mailingId,
  initial,
  first,
  autoFocus,
}: {
  /** The mailing that is edited; null for a new one. */
  mailingId: number | null;
  initial: Choice;
  /** The first page, made by the server for `initial`. */
  first: PickedPage;
  /** Without a script: the page opens at the field for the search. */
  autoFocus?: true | undefined;
}) {
  const t = useTranslations('mailings.picker');
  const problems = useTranslations('errors');
  const hydrated = useHydrated();
  const id = useId();
  const [choice, setChoice] = useState(initial);
  const [page, setPage] = useState(first);
  const [q, setQ] = useState('');
  const [searched, setSearched] = useState('');
  const [busy, setBusy] = useState(false);
  /** The number on the page is that of the choice; false from a change of the searches until the server has counted. */
  const [counted, setCounted] = useState(true);
  /** Boxes ticked and cleared since the server counted. */
  const [moved, setMoved] = useState(0);
  /** The same since the request under way was made: the server's answer does not know of these. */
  const movedSince = useRef(0);
  const [failed, setFailed] = useState(false);
  const latest = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);

  const load = async (term: string, next: Choice, after: string | null = null) => {
    clearTimeout(timer.current);
    latest.current += 1;
    const mine = latest.current;
    movedSince.current = 0;
    setBusy(true);
    try {
      const answer = await pickClientsAction({ q: term, after, mailingId, ...next });
      if (mine !== latest.current) return;
      setPage((shown) => ({ ...answer, items: after ? [...shown.items, ...answer.items] : answer.items }));
      setSearched(term);
      setMoved(movedSince.current);
      setCounted(true);
      setFailed(false);
    } catch {
      // A redirect to sign-in never comes here: the router takes it.
      if (mine === latest.current) setFailed(true);
    } finally {
      if (mine === latest.current) setBusy(false);
    }
  };
  const change = (next: Choice) => {
    setChoice(next);
    setCounted(false);
    void load(q, next);
  };
  const typed = (term: string) => {
    setQ(term);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => void load(term, choice), 250);
  };

  const added = new Set(choice.clientIds);
  const removed = new Set(choice.without);
  const isChosen = (client: { id: number; chosen: boolean }) =>
    (client.chosen || added.has(client.id)) && !removed.has(client.id);
  const toggle = (client: { id: number; chosen: boolean }, checked: boolean) => {
    const step = checked ? 1 : -1;
    movedSince.current += step;
    setMoved((count) => count + step);
    const clientIds = choice.clientIds.filter((other) => other !== client.id);
    const without = choice.without.filter((other) => other !== client.id);
    if (checked && !client.chosen) clientIds.push(client.id);
    if (!checked && client.chosen) without.push(client.id);
    setChoice({ ...choice, clientIds, without });
  };

  const term = searched.trim() || everybody;
  const count = Math.max(0, page.chosen.value + moved);
  const rules = [
    ...(choice.keep && mailingId !== null
      ? [{ key: 'keep', label: t('kept'), remove: () => change({ ...choice, keep: false }) }]
      : []),
    ...choice.found.map((found) => ({
      key: `found ${found}`,
      label: found === everybody ? t('everybody') : t('found', { term: found }),
      remove: () => change({ ...choice, found: choice.found.filter((other) => other !== found) }),
    })),
  ];
  const nothingYet = page.items.length === 0 && searched === '' && rules.length === 0;

  return (
    <div className="grid gap-3">
      {hydrated ? (
        <>
          {choice.keep && mailingId !== null ? <input type="hidden" name="keep" value="1" /> : null}
          {choice.found.map((found) => (
            <input key={found} type="hidden" name="found[]" value={found} />
          ))}
          {choice.clientIds.map((clientId) => (
            <input key={clientId} type="hidden" name="clientIds[]" value={clientId} />
          ))}
          {choice.without.map((clientId) => (
            <input key={clientId} type="hidden" name="without[]" value={clientId} />
          ))}
        </>
      ) : (
        <noscript>
          <div className="grid gap-3">
            {mailingId === null ? null : (
              <CheckField name="keep" label={t('keep')} defaultChecked={initial.keep} />
            )}
            <TextField
              name="found[]"
              label={t('withoutScript')}
              hint={t('withoutScriptHint')}
              defaultValue={initial.found[0] ?? ''}
              maxLength={200}
              {...(autoFocus ? { autoFocus } : {})}
            />
          </div>
        </noscript>
      )}
      {nothingYet ? (
        <p className="text-muted" data-field="clientIds" tabIndex={-1}>
          {t('empty')}
        </p>
      ) : (
        <>
          {hydrated ? (
            <TextField
              type="search"
              label={t('search')}
              placeholder={t('placeholder')}
              value={q}
              maxLength={200}
              data-field="clientIds"
              aria-controls={`${id}-list`}
              onChange={(event) => typed(event.target.value)}
              onKeyDown={(event) => {
                if (event.key !== 'Enter') return;
                // Enter looks for clients; it does not send the form.
                event.preventDefault();
                void load(q, choice);
              }}
            />
          ) : null}
          <div
            id={`${id}-list`}
            aria-busy={busy}
            className="max-h-80 overflow-y-auto rounded-md border border-line"
          >
            <ul aria-label={t('list')} className="divide-y divide-line">
              {page.items.map((client) => (
                <li key={client.id}>
                  <label className="flex cursor-pointer items-start gap-2.5 px-3 py-2 hover:bg-sunken/60">
                    <input
                      // Another element once scripts run: from then on it only shows what is chosen.
                      key={hydrated ? 'alive' : 'plain'}
                      type="checkbox"
                      name={hydrated ? undefined : 'clientIds[]'}
                      value={client.id}
                      {...(hydrated
                        ? {
                            checked: isChosen(client),
                            onChange: (event) => toggle(client, event.target.checked),
                          }
                        : { defaultChecked: isChosen(client) })}
                      className="mt-1 size-4 shrink-0 accent-accent"
                    />
                    <span className="min-w-0 flex-1 [overflow-wrap:anywhere]">
                      {client.fullName ? <span className="mr-2 font-medium">{client.fullName}</span> : null}
                      <span className={client.fullName ? 'text-muted' : undefined}>{client.email}</span>
                    </span>
                    {client.suppressed ? <Badge tone="warn">{t('suppressed')}</Badge> : null}
                  </label>
                </li>
              ))}
            </ul>
            {page.items.length === 0 ? <p className="px-3 py-4 text-muted">{t('none')}</p> : null}
            {hydrated && page.next ? (
              <div className="border-t border-line p-2 text-center">
                <Button
                  size="sm"
                  variant="ghost"
                  pending={busy}
                  onClick={() => void load(searched, choice, page.next)}
                >
                  {t('more')}
                </Button>
              </div>
            ) : null}
          </div>
        </>
      )}
      {hydrated && !nothingYet ? (
        <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
          <p role="status" className="mr-auto font-medium">
            {!counted
              ? t('counting')
              : page.chosen.exact
                ? t('chosen', { count })
                : t('chosenMany', { count: page.chosen.value })}
          </p>
          {page.total.value > 0 && !choice.found.includes(term) && !choice.found.includes(everybody) ? (
            <Button
              size="sm"
              pending={busy}
              onClick={() =>
                change({ ...choice, found: [...(term === everybody ? [] : choice.found), term], without: [] })
              }
            >
              {page.total.exact
                ? t('chooseFound', { count: page.total.value })
                : t('chooseFoundMany', { count: page.total.value })}
            </Button>
          ) : null}
          {count > 0 ? (
            <Button
              size="sm"
              variant="ghost"
              onClick={() => change({ keep: false, found: [], clientIds: [], without: [] })}
            >
              {t('clear')}
            </Button>
          ) : null}
        </div>
      ) : null}
      {hydrated && rules.length > 0 ? (
        <ul aria-label={t('rules')} className="flex flex-wrap gap-2">
          {rules.map((rule) => (
            <li
              key={rule.key}
              className="inline-flex items-center gap-1 rounded-md bg-sunken py-0.5 pr-0.5 pl-2 text-[0.8125rem]"
            >
              {rule.label}
              <button
                type="button"
                aria-label={`${t('remove')}: ${rule.label}`}
                onClick={rule.remove}
                className="rounded-sm p-1 text-muted hover:bg-line hover:text-ink"
              >
                <X aria-hidden className="size-3.5" />
              </button>
            </li>
          ))}
        </ul>
      ) : null}
      {failed ? <FieldError>{problems('unreachable')}</FieldError> : null}
    </div>
  );
}
