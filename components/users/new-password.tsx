'use client';

import { useTranslations } from 'next-intl';
import { useState } from 'react';
import { Button } from '@/components/ui/button';
import { classNames } from '@/components/ui/class-names';
import { TextField } from '@/components/ui/field';
import type { FieldWiring } from '@/components/ui/form';
import { generatePassword, type PasswordStrength, passwordMin, passwordStrength } from '@/lib/users/schema';

const tones: Record<PasswordStrength, string> = {
  guessable: 'text-bad',
  short: 'text-muted',
  weak: 'text-warn',
  fair: 'text-muted',
  strong: 'text-good',
};

/**
 * A field for a password that is being chosen: it can be shown, and made (and is copied then), and says how good it is. With scripts the browser makes it; without, the
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
  onMade: (password: string) => void;
}) {
  const t = useTranslations('account');
  const [made, setMade] = useState(form.state.ok === false && form.state.values.password !== undefined);
  const [shown, setShown] = useState(made);
  const [copied, setCopied] = useState(false);
  const [strength, setStrength] = useState<PasswordStrength | null>(null);
  const make = () => {
    const password = generatePassword();
    onMade(password);
    setShown(true);
    setMade(true);
    setStrength('strong');
    // Only where the browser lets pages do that: over https, or on this very machine.
    void navigator.clipboard?.writeText(password).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  };
  return (
    <div className="grid gap-2">
      <TextField
        {...field}
        onChange={(event) => {
          setStrength(passwordStrength(event.target.value));
          setMade(false);
          return field.onChange(event);
        }}
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
            make();
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
      <p
        role="status"
        className={
          made || strength
            ? classNames('text-[0.8125rem]', made ? 'text-good' : strength && tones[strength])
            : 'sr-only'
        }
      >
        {made ? t(copied ? 'generatedCopied' : 'generated') : strength ? t(`strength.${strength}`) : ''}
      </p>
    </div>
  );
}

/** What Enter presses. Stands first in forms whose first visible button does something else. */
export function DefaultSubmit() {
  return <button type="submit" tabIndex={-1} aria-hidden className="sr-only" />;
}
