'use server';

import { redirect } from 'next/navigation';
import { type ActionState, actorAction, formObject, publicAction } from '@/lib/action';
import { endOtherSessions, endSessionOf } from '@/lib/auth/config';
import { landingPath } from '@/lib/auth/route-rules';
import { closeSession, currentSecret, openSession, rememberMailed, requestOrigin } from '@/lib/auth/session';
import { env } from '@/lib/env';
import { done, refuse } from '@/lib/errors';
import { localizedPath } from '@/lib/i18n/paths';
import { wakeOrPass } from '@/lib/sending/wake';
import {
  blockUser,
  cancelEmailChange,
  changePassword,
  changeRole,
  confirmEmailChange,
  confirmUser,
  deleteAccount,
  registerUser,
  repeatEmailChange,
  requestEmailChange,
  requestLetter,
  resetPassword,
  sendAccountDeletedLetter,
  sendConfirmationAgain,
  sendEmailChangedLetter,
  sendEmailChangeLetters,
  sendHoldLetter,
  sendPasswordChangedLetter,
  sendRegistrationLetter,
  sendResetLetter,
  unblockUser,
  updateProfile,
} from './mutations';
import {
  addressSchema,
  blockSchema,
  changeEmailSchema,
  changePasswordSchema,
  currentPasswordSchema,
  generatePassword,
  nothingSchema,
  profileSchema,
  registerSchema,
  resetSchema,
  roleSchema,
  sessionSchema,
  signInSchema,
  tokenSchema,
  userCommandSchema,
} from './schema';

/**
 * "Generate a password" where no script runs: the form comes back as it was, with a password made here. Null when another
 * button was pressed.
 */
function withMadePassword(form: FormData): Extract<ActionState<never>, { ok: false }> | null {
  const sent = formObject(form);
  if (!('generate' in sent)) return null;
  const typed = Object.entries(sent).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string' && !/password|token/i.test(entry[0]),
  );
  return { ...refuse('invalid'), values: { ...Object.fromEntries(typed), password: generatePassword() } };
}

async function askForLetter(input: { email: string }) {
  const result = await requestLetter(input, await requestOrigin());
  if (result.ok) await rememberMailed(input.email);
  return result;
}

const register = publicAction(
  registerSchema,
  async (input) => {
    const result = await registerUser(input, await requestOrigin());
    if (result.ok) await rememberMailed(input.email);
    return result;
  },
  { afterwards: sendRegistrationLetter, redirectTo: () => '/verify-email' },
);
export async function registerAction(state: Parameters<typeof register>[0], form: FormData) {
  return withMadePassword(form) ?? register(state, form);
}

const confirm = publicAction(tokenSchema, confirmUser, { redirectTo: () => '/login?notice=confirmed' });
export async function confirmAction(state: Parameters<typeof confirm>[0], form: FormData) {
  return confirm(state, form);
}

const resend = publicAction(addressSchema, askForLetter, {
  afterwards: sendConfirmationAgain,
  redirectTo: () => '/verify-email?notice=sent_again',
});
export async function resendAction(state: Parameters<typeof resend>[0], form: FormData) {
  return resend(state, form);
}

const signIn = publicAction(signInSchema, async (input) => {
  const result = await openSession(input);
  if (!result.ok) return result;
  redirect(landingPath(input.next, result.data.locale, env().DEFAULT_LOCALE));
});
export async function signInAction(state: Parameters<typeof signIn>[0], form: FormData) {
  return signIn(state, form);
}

const signOut = publicAction(
  nothingSchema,
  async () => {
    await closeSession();
    return done(null);
  },
  { redirectTo: () => '/login?notice=signed_out' },
);
export async function signOutAction(state: Parameters<typeof signOut>[0], form: FormData) {
  return signOut(state, form);
}

const requestReset = publicAction(addressSchema, askForLetter, {
  afterwards: sendResetLetter,
  redirectTo: () => '/forgot-password?sent=1',
});
export async function requestResetAction(state: Parameters<typeof requestReset>[0], form: FormData) {
  return requestReset(state, form);
}

const reset = publicAction(resetSchema, resetPassword, {
  afterwards: sendPasswordChangedLetter,
  redirectTo: () => '/login?notice=password_set',
});
export async function resetPasswordAction(state: Parameters<typeof reset>[0], form: FormData) {
  return withMadePassword(form) ?? reset(state, form);
}

const change = actorAction(
  changePasswordSchema,
  async (actor, input) => changePassword(actor, input, await currentSecret()),
  { afterwards: sendPasswordChangedLetter, redirectTo: () => '/settings?notice=settings.password_changed' },
);
export async function changePasswordAction(state: Parameters<typeof change>[0], form: FormData) {
  return withMadePassword(form) ?? change(state, form);
}

const changeEmail = actorAction(
  changeEmailSchema,
  async (actor, input) => requestEmailChange(actor, input, await requestOrigin()),
  { afterwards: sendEmailChangeLetters, redirectTo: () => '/settings?notice=settings.email_asked' },
);
export async function changeEmailAction(state: Parameters<typeof changeEmail>[0], form: FormData) {
  return changeEmail(state, form);
}

const repeatChange = actorAction(
  nothingSchema,
  async (actor) => repeatEmailChange(actor, await requestOrigin()),
  { afterwards: sendEmailChangeLetters, redirectTo: () => '/settings?notice=settings.email_again' },
);
export async function repeatEmailChangeAction(state: Parameters<typeof repeatChange>[0], form: FormData) {
  return repeatChange(state, form);
}

const cancelChange = actorAction(nothingSchema, (actor) => cancelEmailChange(actor), {
  redirectTo: () => '/settings?notice=settings.email_cancelled',
});
export async function cancelEmailChangeAction(state: Parameters<typeof cancelChange>[0], form: FormData) {
  return cancelChange(state, form);
}

const confirmChange = publicAction(tokenSchema, confirmEmailChange, {
  afterwards: sendEmailChangedLetter,
  redirectTo: () => '/settings?notice=settings.email_changed',
});
export async function confirmEmailChangeAction(state: Parameters<typeof confirmChange>[0], form: FormData) {
  return confirmChange(state, form);
}

const saveProfile = actorAction(profileSchema, async (actor, input) => {
  const result = await updateProfile(actor, input);
  if (!result.ok) return result;
  redirect(localizedPath(result.data.locale, '/settings?notice=settings.saved', env().DEFAULT_LOCALE));
});
export async function updateProfileAction(state: Parameters<typeof saveProfile>[0], form: FormData) {
  return saveProfile(state, form);
}

const endThere = actorAction(sessionSchema, endSessionOf, {
  redirectTo: () => '/settings?notice=settings.session_ended',
});
export async function endSessionAction(state: Parameters<typeof endThere>[0], form: FormData) {
  return endThere(state, form);
}

const endOthers = actorAction(
  nothingSchema,
  async (actor) => endOtherSessions(actor, await currentSecret()),
  { redirectTo: () => '/settings?notice=settings.sessions_ended' },
);
export async function endOtherSessionsAction(state: Parameters<typeof endOthers>[0], form: FormData) {
  return endOthers(state, form);
}

const removeAccount = actorAction(
  currentPasswordSchema,
  async (actor, input) => {
    const result = await deleteAccount(actor, input);
    if (result.ok) await closeSession();
    return result;
  },
  { afterwards: sendAccountDeletedLetter, redirectTo: () => '/login?notice=account_deleted' },
);
export async function deleteAccountAction(state: Parameters<typeof removeAccount>[0], form: FormData) {
  return removeAccount(state, form);
}

const block = actorAction(blockSchema, (actor, input) => blockUser(actor, input), {
  afterwards: ({ news }) => sendHoldLetter(news),
  redirectTo: ({ id }) => `/manage/users/${id}?notice=manage.user_blocked`,
});
export async function blockUserAction(state: Parameters<typeof block>[0], form: FormData) {
  return block(state, form);
}

const unblock = actorAction(userCommandSchema, (actor, input) => unblockUser(actor, input), {
  redirectTo: ({ id }) => `/manage/users/${id}?notice=manage.user_unblocked`,
  afterwards: async ({ news }) => {
    await sendHoldLetter(news);
    await wakeOrPass();
  },
});
export async function unblockUserAction(state: Parameters<typeof unblock>[0], form: FormData) {
  return unblock(state, form);
}

const role = actorAction(roleSchema, (actor, input) => changeRole(actor, input), {
  redirectTo: ({ id, left }) => `${left ? '/dashboard' : `/manage/users/${id}`}?notice=manage.role_changed`,
});
export async function changeRoleAction(state: Parameters<typeof role>[0], form: FormData) {
  return role(state, form);
}
