'use client';

import { useTranslations } from 'next-intl';
import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { TextField } from '@/components/ui/field';
import type { FieldWiring } from '@/components/ui/form';
import { passwordMin } from '@/lib/users/schema';

/**
 * A field for a password that is being chosen: it can be shown, and made. With scripts the browser makes it; without, the
 * button posts the form and the page comes back with one in `values`.
 */
export function NewPasswordField({
  field,
  label,
  form,
  onMade,
}: {
  field: FieldWiring;
  label: string;
  form: { state: { ok: null | true } | { ok: false; values: Record<string, unknown> } };
  onMade: () => void;
}) {
  const t = useTranslations('account');
  const [made, setMade] = useState(form.state.ok === false && form.state.values.password !== undefined);
  const [shown, setShown] = useState(made);
  return (
    <div className="grid gap-2">
      <TextField
        {...field}
        label={label}
        hint={t('passwordHint', { min: passwordMin })}
        required
        type={shown ? 'text' : 'password'}
        autoComplete="new-password"
        autoCapitalize="none"
        spellCheck={false}
        className={shown ? '[&_input]:font-mono' : undefined}
      />
      <div className="flex flex-wrap gap-2">
        <Button
          type="submit"
          size="sm"
          name="generate"
          value="1"
          formNoValidate
          onClick={(event) => {
            event.preventDefault();
            onMade();
            setShown(true);
            setMade(true);
          }}
        >
          {t('generate')}
        </Button>
        <Button
          size="sm"
          variant="ghost"
          aria-pressed={shown}
          onClick={() => setShown(!shown)}
          className="[@media(scripting:none)]:hidden"
        >
          {shown ? t('hide') : t('show')}
        </Button>
      </div>
      <p role="status" className={made ? 'text-[0.8125rem] text-good' : 'sr-only'}>
        {made ? t('generated') : ''}
      </p>
    </div>
  );
}

/** What Enter presses. Stands first in forms whose first visible button does something else. */
export function DefaultSubmit() {
  return <button type="submit" tabIndex={-1} aria-hidden className="sr-only" />;
}
