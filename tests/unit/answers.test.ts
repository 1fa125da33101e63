import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { AnswerKind } from '@/db/enums';
import { type Answer, classify } from '@/lib/attempts/answers';
import { ownWords } from '@/lib/attempts/schema';
import { catalogues } from '@/lib/i18n/catalogues';

const refused = (response: string, stage: string): Answer => ({
  status: 'failure',
  code: Number(/^\d{3}/.exec(response)?.[0] ?? Number.NaN) || null,
  response,
  stage,
});

/** Answers as servers give them, addresses and hosts replaced. */
const answers: [AnswerKind, stage: string, response: string][] = [
  // Gmail and Google Workspace
  [
    'address_unknown',
    'rcpt',
    "550-5.1.1 The email account that you tried to reach does not exist. Please try 550-5.1.1 double-checking the recipient's email address for typos or 550-5.1.1 unnecessary spaces. For more information, go to 550 5.1.1 https://support.google.com/mail/?p=NoSuchUser 4fb4d7f45d1cf-5d0 - gsmtp",
  ],
  [
    'mailbox_disabled',
    'rcpt',
    '550 5.2.1 The email account that you tried to reach is disabled. For more information, go to https://support.google.com/mail/?p=DisabledUser a1-20 - gsmtp',
  ],
  [
    'mailbox_full',
    'rcpt',
    "452-4.2.2 The recipient's inbox is out of storage space. Please direct the 452-4.2.2 recipient to 452 4.2.2 https://support.google.com/mail/?p=OverQuotaTemp d9-20 - gsmtp",
  ],
  [
    'mailbox_full',
    'rcpt',
    '552 5.2.2 The email account that you tried to reach is over quota and inactive. - gsmtp',
  ],
  [
    'rate_limited',
    'rcpt',
    '450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered. Please resend your message at a later time. - gsmtp',
  ],
  [
    'rate_limited',
    'dot',
    '421-4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP address. To protect our users from spam, mail sent from your IP address has been temporarily rate limited. - gsmtp',
  ],
  [
    'spam',
    'dot',
    '550-5.7.1 [192.0.2.7 12] Our system has detected that this message is likely 550-5.7.1 unsolicited mail. To reduce the amount of spam sent to Gmail, this 550-5.7.1 message has been blocked. - gsmtp',
  ],
  [
    'reputation',
    'dot',
    "550-5.7.1 [192.0.2.7] The IP you're using to send mail is not authorized to send email directly to our servers; very low reputation of the sending domain. - gsmtp",
  ],
  [
    'authentication',
    'dot',
    '550-5.7.26 This mail has been blocked because the sender is unauthenticated. 550-5.7.26 Gmail requires all senders to authenticate with either SPF or DKIM. - gsmtp',
  ],
  [
    'authentication',
    'dot',
    "550-5.7.26 Unauthenticated email from sender.test is not accepted due to 550-5.7.26 domain's DMARC policy. Please contact the administrator of 550 5.7.26 sender.test domain - gsmtp",
  ],
  [
    'reputation',
    'dot',
    '550-5.7.25 [192.0.2.7] The IP address sending this message does not have a PTR record setup, or the corresponding forward DNS entry does not match - gsmtp',
  ],
  [
    'too_big',
    'dot',
    "552-5.3.4 Your message exceeded Google's message size limits. To view our message size guidelines, go to 552 5.3.4 https://support.google.com/mail/?p=MaxSizeError - gsmtp",
  ],
  [
    'content',
    'dot',
    '552-5.7.0 This message was blocked because its content presents a potential 552-5.7.0 security issue. Please visit https://support.google.com/mail/?p=BlockedMessage to review our message content and attachment content guidelines. - gsmtp',
  ],
  [
    'content',
    'dot',
    '550-5.7.1 [192.0.2.7 11] Messages missing a valid Message-ID header are not 550 5.7.1 accepted: invalid header - gsmtp',
  ],
  [
    'auth_refused',
    'auth',
    '535-5.7.8 Username and Password not accepted. For more information, go to 535 5.7.8 https://support.google.com/mail/?p=BadCredentials - gsmtp',
  ],
  [
    'auth_refused',
    'auth',
    '534-5.7.9 Application-specific password required. For more information, go to 534 5.7.9 https://support.google.com/mail/?p=InvalidSecondFactor - gsmtp',
  ],
  [
    'auth_refused',
    'mail',
    '530-5.7.0 Authentication Required. For more information, go to 530 5.7.0 https://support.google.com/mail/?p=WantAuthError - gsmtp',
  ],
  [
    'quota',
    'dot',
    '550-5.4.5 Daily user sending limit exceeded. For more information on Gmail 550-5.4.5 sending limits go to 550 5.4.5 https://support.google.com/a/answer/166852 - gsmtp',
  ],
  ['tls', 'mail', '530 5.7.0 Must issue a STARTTLS command first. - gsmtp'],
  // Outlook, Hotmail, Microsoft 365, Exchange
  [
    'address_unknown',
    'rcpt',
    '550 5.5.0 Requested action not taken: mailbox unavailable or not local (S2017062302).',
  ],
  [
    'address_unknown',
    'rcpt',
    '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient user@live.test not found by SMTP address lookup',
  ],
  [
    'address_unknown',
    'rcpt',
    '550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [DB5EUR03FT013.eop-EUR03.prod.protection.outlook.com]',
  ],
  [
    'reputation',
    'mail',
    "550 5.7.1 Unfortunately, messages from [192.0.2.7] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150).",
  ],
  [
    'reputation',
    'rcpt',
    '550 5.7.606 Access denied, banned sending IP [192.0.2.7]. To request removal from this list please visit https://sender.office.com/',
  ],
  [
    'reputation',
    'mail',
    '451 4.7.650 The mail server [192.0.2.7] has been temporarily rate limited due to IP reputation. For e-mail delivery information see https://postmaster.live.com (S775)',
  ],
  [
    'authentication',
    'dot',
    "550 5.7.515 Access denied, sending domain SENDER.TEST doesn't meet the required authentication level. The sender's domain in the 5322.From address doesn't meet the authentication requirements",
  ],
  [
    'authentication',
    'dot',
    '550 5.7.509 Access denied, sending domain sender.test does not pass DMARC verification and has a DMARC policy of reject.',
  ],
  [
    'mailbox_full',
    'dot',
    '554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded',
  ],
  ['relay_denied', 'rcpt', '550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain'],
  [
    'relay_denied',
    'rcpt',
    '550 5.7.64 TenantAttribution; Relay Access Denied [DB3EUR04FT004.eop-eur04.prod.protection.outlook.com]',
  ],
  [
    'auth_refused',
    'mail',
    '530 5.7.57 Client not authenticated to send mail. Error: 535 5.7.3 Authentication unsuccessful',
  ],
  [
    'auth_refused',
    'auth',
    '535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled',
  ],
  [
    'sender_refused',
    'dot',
    '554 5.2.252 SendAsDenied; ada@sender.test not allowed to send as info@sender.test; STOREDRV.Submission.Exception:SendAsDeniedException',
  ],
  [
    'policy',
    'dot',
    "550 5.7.129 RESOLVER.RST.RestrictedToRecipientsPermission; restricted to a known list: the recipient's mailbox only accepts messages from allowed senders",
  ],
  ['too_big', 'dot', '552 5.3.4 Message size exceeds fixed maximum message size'],
  [
    'quota',
    'dot',
    "550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients",
  ],
  [
    'rate_limited',
    'mail',
    '451 4.7.500 Server busy. Please try again later from [192.0.2.7]. (AS77712) throttled',
  ],
  [
    'spam',
    'dot',
    '550 5.7.350 Remote server returned message detected as spam -> 554 5.7.1 rejected as spam',
  ],
  // Yahoo and AOL
  ['address_unknown', 'dot', '552 1 Requested mail action aborted, mailbox not found'],
  [
    'address_unknown',
    'dot',
    "554 delivery error: dd This user doesn't have a yahoo.com account (user@yahoo.test) [0] - mta4012.mail.bf1.yahoo.test",
  ],
  [
    'mailbox_disabled',
    'dot',
    '554 30 Sorry, your message to user@aol.test cannot be delivered. This mailbox is disabled (554.30).',
  ],
  [
    'reputation',
    'mail',
    '421 4.7.0 [TSS04] Messages from 192.0.2.7 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1; see https://postmaster.yahooinc.com/error-codes',
  ],
  [
    'reputation',
    'mail',
    "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.7, because the ip is in Spamhaus's list; see https://postmaster.yahooinc.com/error-codes",
  ],
  [
    'policy',
    'dot',
    '554 5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes',
  ],
  ['mailbox_full', 'dot', '552 5.2.2 user@yahoo.test mailbox is full; over quota'],
  ['rate_limited', 'rcpt', '421 Too many concurrent SMTP connections; please try again later.'],
  // iCloud
  ['address_unknown', 'rcpt', '550 5.1.1 <user@icloud.test>: user does not exist'],
  ['mailbox_full', 'rcpt', '552 5.2.2 <user@me.test>: user is over quota'],
  [
    'policy',
    'dot',
    '554 5.7.1 [CS01] Message rejected due to local policy. Please visit https://support.apple.com/en-us/HT204137',
  ],
  [
    'reputation',
    'mail',
    '550 5.7.0 Blocked - see https://support.proofpoint.com/dnsbl-lookup.cgi?ip=192.0.2.7',
  ],
  // Yandex
  ['address_unknown', 'rcpt', '550 5.7.1 No such user!'],
  ['address_unknown', 'dot', '550 5.7.1 No such user! 1700000000-abcDEF'],
  [
    'spam',
    'dot',
    '554 5.7.1 Message rejected under suspicion of SPAM; https://ya.cc/1IrBc 1700000000-GHIjkl',
  ],
  ['spam', 'dot', '554 5.7.1 [2] Message rejected under suspicion of SPAM; https://ya.cc/1IrBc'],
  [
    'greylisted',
    'dot',
    '451 4.7.1 Sorry, the service is currently unavailable. Please come back later. 1700000000-aBc',
  ],
  ['mailbox_full', 'dot', '552 5.2.2 Mailbox size limit exceeded 1700000000-aBc'],
  [
    'auth_refused',
    'auth',
    '535 5.7.8 Error: authentication failed: Invalid user or password! 1700000000-aBc',
  ],
  [
    'auth_refused',
    'auth',
    '535 5.7.8 Error: authentication failed: This user does not have access rights to this service',
  ],
  ['sender_refused', 'mail', '553 5.7.1 Sender address rejected: not owned by auth user.'],
  [
    'rate_limited',
    'rcpt',
    '451 4.5.1 The recipient <user@ya.test> has exceeded their message rate limit. Try again later.',
  ],
  // Mail.ru
  [
    'address_unknown',
    'rcpt',
    '550 Message was not accepted -- invalid mailbox. Local mailbox user@mail.test is unavailable: user not found',
  ],
  [
    'mailbox_disabled',
    'rcpt',
    '550 Message was not accepted -- invalid mailbox. Local mailbox user@mail.test is unavailable: account is disabled',
  ],
  [
    'spam',
    'dot',
    '550 spam message rejected. Please visit http://help.mail.ru/notspam-support/id?c=abcdef or report details to abuse@corp.mail.ru.',
  ],
  ['rate_limited', 'rcpt', '451 Ratelimit exceeded for mailbox ada@sender.test. Try again later.'],
  [
    'auth_refused',
    'auth',
    '535 5.7.0 NEOBHODIM parol prilozheniya https://help.mail.ru/mail/security/protection/external / Application password is REQUIRED',
  ],
  ['mailbox_full', 'rcpt', '552 5.2.2 Local mailbox user@mail.test is over quota'],
  [
    'authentication',
    'dot',
    '550 5.7.1 This message was not accepted due to domain owner DMARC policy (RFC 7489) https://help.mail.ru/mail-help/postmaster/dmarc',
  ],
  ['sender_refused', 'mail', '550 Sender verify failed'],
  // Postfix
  [
    'address_unknown',
    'rcpt',
    '550 5.1.1 <user@host.test>: Recipient address rejected: User unknown in local recipient table',
  ],
  [
    'address_unknown',
    'rcpt',
    '550 5.1.1 <user@host.test>: Recipient address rejected: User unknown in virtual mailbox table',
  ],
  ['relay_denied', 'rcpt', '554 5.7.1 <user@host.test>: Relay access denied'],
  [
    'greylisted',
    'rcpt',
    '450 4.2.0 <user@host.test>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/host.test.html',
  ],
  [
    'reputation',
    'rcpt',
    '554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.7',
  ],
  ['reputation', 'rcpt', '450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.7]'],
  ['reputation', 'rcpt', '504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname'],
  ['sender_refused', 'rcpt', '450 4.1.8 <ada@sender.test>: Sender address rejected: Domain not found'],
  ['domain_unknown', 'rcpt', '450 4.1.2 <user@nowhere.test>: Recipient address rejected: Domain not found'],
  ['too_big', 'mail', '552 5.3.4 Message size exceeds fixed limit'],
  ['server_trouble', 'rcpt', '451 4.3.0 <user@host.test>: Temporary lookup failure'],
  ['server_trouble', 'mail', '452 4.3.1 Insufficient system storage'],
  ['mailbox_full', 'rcpt', '552 5.2.2 <user@host.test>: Quota exceeded (mailbox for user is full)'],
  ['content', 'dot', '550 5.7.1 Message contains a virus (Eicar-Test-Signature)'],
  ['rate_limited', 'rcpt', '450 4.7.1 Error: too many recipients from 192.0.2.7'],
  // Exim and cPanel
  ['address_unknown', 'rcpt', '550 Unrouteable address'],
  ['address_unknown', 'rcpt', '550 No Such User Here"'],
  ['relay_denied', 'rcpt', '550 relay not permitted'],
  ['greylisted', 'rcpt', '451 Temporarily greylisted, please try again in 300 seconds'],
  [
    'quota',
    'rcpt',
    '550 Domain sender.test has exceeded the max emails per hour (200/200 (100%)) allowed. Message discarded.',
  ],
  ['content', 'dot', '550 Message rejected: there is an invalid header: missing Date: header'],
  ['try_later', 'rcpt', '451 Could not complete sender verify callout'],
  ['mailbox_disabled', 'rcpt', '550 Account suspended for user@host.test'],
  // Resend, by its errors
  ['auth_refused', 'http', '401 missing_api_key Missing API key in the authorization header.'],
  ['auth_refused', 'http', '403 invalid_api_key API key is invalid'],
  [
    'sender_refused',
    'http',
    '403 validation_error The sender.test domain is not verified. Please, add and verify your domain on https://resend.com/domains',
  ],
  [
    'sender_refused',
    'http',
    '403 validation_error You can only send testing emails to your own email address (ada@sender.test).',
  ],
  [
    'rate_limited',
    'http',
    '429 rate_limit_exceeded Too many requests. You can only make 5 requests per second.',
  ],
  ['quota', 'http', '429 daily_quota_exceeded You have reached your daily email quota.'],
  ['quota', 'http', '429 monthly_quota_exceeded You have reached your monthly email quota.'],
  [
    'address_invalid',
    'http',
    '422 validation_error Invalid `to` field. The email needs to follow the `email@example.com` format.',
  ],
  ['server_trouble', 'http', '500 internal_server_error An unexpected error occurred.'],
  // Our own words about the connection, and bare codes
  ['unreachable', 'connect', 'connect ECONNREFUSED 127.0.0.1:25'],
  ['unreachable', 'mail', 'the server closed the connection'],
  ['timeout', 'connect', 'no connection in time'],
  ['timeout', 'rcpt', 'no answer in time'],
  ['tls', 'tls', 'the server offers no encryption (STARTTLS)'],
  ['garbage', 'greeting', 'the server answered something that is not SMTP'],
  ['address_unknown', 'rcpt', '550 no'],
  ['try_later', 'rcpt', '450 busy'],
  ['address_invalid', 'rcpt', '553 5.1.3 bad syntax'],
  ['mailbox_disabled', 'rcpt', '550 5.2.1 closed'],
  ['domain_unknown', 'rcpt', '556 5.1.10 nothing is taken here'],
  ['not_accepted', 'dot', '554 no'],
];

describe('an answer of a mail server', () => {
  test('of each big provider and server program is told for what it is', () => {
    expect(answers.length).toBeGreaterThan(80);
    const wrong = answers.flatMap(([kind, stage, response]) => {
      const found = classify(refused(response, stage));
      return found === kind ? [] : [`${found} instead of ${kind}: ${response}`];
    });
    expect(wrong).toEqual([]);
  });

  test('that took the letter has no kind, and a letter without an answer says whether anybody waited for one', () => {
    const base = { code: null, response: '', stage: '' };
    expect(
      classify({ ...base, status: 'success', response: '250 spam', code: 250, stage: 'dot' }),
    ).toBeNull();
    expect(classify({ ...base, status: 'unknown' })).toBe('interrupted');
    expect(classify({ ...base, status: 'unknown', stage: 'dot', response: 'no answer in time' })).toBe(
      'no_answer',
    );
  });

  test('that no server gave is told as our own: an example, a mistyped address, a letter that could not be made', () => {
    const example = 'Addresses ending in .example are examples: nothing is ever sent to them.';
    expect(classify(refused(example, 'policy'))).toBe('example_address');
    expect(classify(refused('this is not an e-mail address', 'policy'))).toBe('address_invalid');
    expect(classify(refused('undefined variable', 'compose'))).toBe('letter_broken');
  });

  test('of any bytes and any length gets a kind, at once', () => {
    const pieces = [
      '550 ',
      '5.1.1',
      '-',
      '\r\n',
      'mailbox ',
      'user',
      ' ',
      'a',
      '(',
      '\\',
      '\0',
      '🙂',
      '5.',
      '.',
      '452-4.2.2 ',
      'ё',
    ];
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed % below;
    };
    const stages = ['connect', 'rcpt', 'dot', 'http', 'toString', '__proto__', 'constructor', ''];
    for (let round = 0; round < 3000; round += 1) {
      const response = Array.from({ length: random(60) }, () => pieces[random(pieces.length)]).join('');
      const code = [null, 0, 250, 451, 550, 999, -1][random(7)] ?? null;
      expect(classify({ status: 'failure', code, response, stage: stages[random(8)] ?? '' })).toEqual(
        expect.any(String),
      );
    }
    const hostile = [
      'mailbox ',
      'a',
      'message ',
      'recipient rejected: ',
      '550-5.1.1 ',
      ' ',
      '5.1',
      'user user ',
      'sender domain of ',
    ];
    for (const piece of hostile) {
      const response = piece.repeat(Math.ceil(2 ** 20 / piece.length));
      const began = performance.now();
      classify({ status: 'failure', code: 550, response, stage: 'rcpt' });
      expect(performance.now() - began).toBeLessThan(250);
    }
  });
});

/** Every phrase of our own that `lib/email` and the engine write in an answer's place, as it stands in the source. */
function phrasesOfSource(): string[] {
  const files = ['connection', 'smtp', 'resend', 'letter', 'outbox'].map((name) => `lib/email/${name}.ts`);
  const said =
    /(?:new Broken\([^,]+,\s*|super\('garbage',\s*|refuse\(\s*|response: |\|\| )(['`])((?:(?!\1).)+ (?:(?!\1).)*)\1/g;
  return files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(said)].map(([, , text = '']) =>
      text.replace(/\$\{[^}]*\}/g, '12'),
    ),
  );
}

describe('what Mailroom itself says where no server has', () => {
  const own = (response: string, stage = 'dot', code: number | null = null) =>
    ownWords({ code, response, stage });

  test('is told as its own words, whichever of its phrases it is', () => {
    const phrases = phrasesOfSource();
    expect(phrases.length).toBeGreaterThan(18);
    for (const phrase of phrases)
      expect(own(phrase, phrase.startsWith('kept') ? 'outbox' : 'dot'), phrase).not.toBeNull();
  });

  test('keeps the numbers and names that it tells of', () => {
    expect(own('the letter has 20480 octets, the server takes 1024', 'mail')).toEqual({
      code: 'too_big',
      values: { octets: '20480', limit: '1024' },
    });
    expect(own('the server offers only NTLM, GSSAPI', 'auth')?.values).toEqual({ ways: 'NTLM, GSSAPI' });
    expect(own('kept in the outbox as letter 7', 'outbox', 250)).toEqual({
      code: 'outbox',
      values: { letter: '7' },
    });
    expect(own('undefined variable: client.nickname, line:1, col:9', 'compose')?.code).toBe('letter_broken');
    expect(own('connect ECONNREFUSED 127.0.0.1:25', 'connect')?.code).toBe('refused');
    expect(own('getaddrinfo ENOTFOUND smtp.two.test', 'connect')?.code).toBe('not_found');
  });

  test('is never taken for what a server said, nor that for it', () => {
    const theirs = answers.filter(([, , response]) => /^\d{3}/.test(response));
    expect(theirs.length).toBeGreaterThan(30);
    for (const [, stage, response] of theirs) expect(ownWords(refused(response, stage)), response).toBeNull();
    expect(own('the server closed the connection', 'dot', 421)).toBeNull();
    expect(own('451 4.4.2 connect ECONNREFUSED from upstream', 'dot')).toBeNull();
    expect(own('421 closed', 'dot')).toBeNull();
    expect(own('')).toBeNull();
    expect(own('no answer in time, said the owl')).toBeNull();
    expect(own('Some words that nobody has written yet')).toBeNull();
  });

  test('is a sentence of both catalogues', () => {
    const codes = Object.keys(catalogues.en.reports.attempts.own).sort();
    expect(Object.keys(catalogues.ru.reports.attempts.own).sort()).toEqual(codes);
    const known = phrasesOfSource().map((phrase) =>
      own(phrase, phrase.startsWith('kept') ? 'outbox' : 'dot'),
    );
    for (const words of known) expect(codes).toContain(words?.code);
  });
});
