import type { AnswerKind, AttemptStatus } from '@/db/enums';

/** What is known of one answer. `response` in the server's own words; `code` of SMTP or HTTP; `stage` as an attempt names it. */
export type Answer = { status: AttemptStatus; code: number | null; response: string; stage: string };

/** Nobody's reason stands further behind, and no text makes the search longer than this. */
const lookedAt = 2000;

/**
 * What an answer other than "accepted" means; null for one that was. By our own stages first, then by words that say it, since
 * servers use one code for many things, then by the enhanced code (RFC 3463), then by the code (RFC 5321, HTTP), then by where it
 * happened. Never throws; its time is bounded whatever the text.
 */
export function classify({ status, code, response, stage }: Answer): AnswerKind | null {
  if (status === 'success') return null;
  if (status === 'unknown') return response === '' && stage === '' ? 'interrupted' : 'no_answer';
  const own = ownStages.get(stage);
  const said = response.slice(0, lookedAt);
  if (own) return own(said);
  const text = said.toLowerCase().replace(/\s+/g, ' ').replace(lineBegins, ' ').replace(addresses, '@');
  const found = words.find(([, pattern]) => pattern.test(text));
  if (found) return found[0];
  const [, enhanced = ''] = enhancedCode.exec(said) ?? [];
  return byEnhanced(enhanced) ?? byCode(code, stage) ?? byStage.get(stage) ?? 'not_accepted';
}

/** Each line of an answer repeats its code, in the middle of a sentence too. */
const lineBegins = / [245]\d\d[- ](?:[245]\.\d{1,3}\.\d{1,3} )?/g;
/** What people are called says nothing. */
const addresses = /[^\s<>]+@[^\s<>]+/g;
const enhancedCode = /(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)/;

/** Where no server was asked. */
const ownStages = new Map<string, (said: string) => AnswerKind>([
  ['policy', (said) => (/\.example\b/.test(said) ? 'example_address' : 'address_invalid')],
  ['compose', () => 'letter_broken'],
]);

const byStage = new Map<string, AnswerKind>([
  ['connect', 'unreachable'],
  ['tls', 'tls'],
  ['auth', 'auth_refused'],
]);

/** In this order: what is said of the sender's own server, of the letter, of the sender, of the recipient. */
const words: [AnswerKind, RegExp][] = [
  ['tls', /starttls|\btls\b.{0,40}(fail|requir|handshake|alert)|certificate|ssl routines|must issue a tls/],
  [
    'auth_refused',
    /authenticat\w+ (failed|unsuccessful|required|credentials|is required|disabled)|username and password not accepted|application[- ]specific password|application password|parol prilozheniya|invalid (login|user(name)? or password|api[_ ]key)|bad credentials|log ?in (failed|denied)|(missing|restricted)_api_key|api key is (invalid|missing)|must (login|authenticate) first|smtpclientauthentication|web login required/,
  ],
  [
    'unreachable',
    /econnrefused|enotfound|ehostunreach|enetunreach|eai_again|econnreset|epipe|connection (was )?refused|getaddrinfo|closed the connection|connection (was )?lost|connection failed/,
  ],
  ['timeout', /etimedout|no connection in time|no answer (in time|within)|timed? ?out|timeout exceeded/],
  [
    'quota',
    /(daily|monthly|hourly)_quota|(daily|monthly|hourly) (user )?(sending|message|email|mail|smtp)?\s?(quota|limit)|sending (quota|limit) (is |has been )?(exceeded|reached)|user-rate limit exceeded|outgoing .{0,30}limit|outbound .{0,30}limit|max(imum)? ?(defers|emails per hour)|(sent|sending) too many (emails|messages|letters)|sender .{0,60}exceeded .{0,30}(quota|limit)/,
  ],
  [
    'sender_refused',
    /invalid_from|domain is not verified|not verified.{0,40}(domain|identit|sender)|email address is not verified|sender (address )?(is )?(rejected|not allowed|denied|not authorized)|not owned by (auth )?user|sender verif\w+ failed|sendasdenied|not allowed to send (as|from)|(domain of )?sender (address|domain).{0,60}(not exist|not found|resolve|invalid)|you can only send testing emails|must match .{0,30}(login|authenticated)|from address .{0,40}(not|does not)/,
  ],
  [
    'authentication',
    /\bspf\b|\bdkim\b|\bdmarc\b|unauthenticated (email|mail|sender)|not authenticated|isn't authenticated|doesn't (meet|pass) .{0,40}authentication|sender (requirements|authentication)|fail\w* .{0,20}authentication checks/,
  ],
  [
    'relay_denied',
    /relay(ing)? (access )?(is )?(denied|not permitted|prohibited|not allowed|forbidden)|unable to relay|relay not permitted|not (a )?local(ly)? (host|domain|hosted)|we do not relay|rcpthosts|administrative prohibition.{0,10}relay/,
  ],
  [
    'greylisted',
    /gr[ea]y-?list|postgrey|first (time|contact).{0,30}(sender|try|retry)|come back (in|later)|try again in \d+ ?(s|min)/,
  ],
  [
    'mailbox_full',
    /over ?quota|mailbox (is )?(over)?full|(mailbox|inbox|storage|disk) (size )?(limit|quota)( is| has been)? ?exceeded|(user|recipient|mailbox).{0,60}(exceed|over).{0,20}(quota|storage|limit of (his|the) mailbox)|quota exceeded|out of storage|insufficient (mailbox )?storage|exceeded storage|not enough (disk )?space in (the )?mailbox|mailbox .{0,80}is full/,
  ],
  [
    'too_big',
    /(message|mail|letter|size|content).{0,30}(too (big|large)|exceeds? .{0,30}(size|limit|maximum))|payload too large|message size/,
  ],
  [
    'mailbox_disabled',
    /(mailbox|account|user|recipient|address).{0,80}(is |has been |was )?(disabled|inactive|suspended|deactivated|blocked by admin|not active|locked|discontinued|frozen)|(disabled|inactive|suspended|deactivated) (mailbox|account|user|recipient)/,
  ],
  [
    'domain_unknown',
    /\b(domain|host)( name)? (is |was |does |could |has )?(not found|not exist|unknown|no (mx|a) record|not be resolved|unresolvable)|nxdomain|unrouteable mail domain|null ?mx|name or service not known|no such domain|does not accept mail|domain name not valid/,
  ],
  [
    'address_unknown',
    /(no|invalid|unknown|non-?existent) (such )?(local )?(user|recipient|mailbox|account|person|address)|(user|recipient|mailbox|account|address|addressee|email account).{0,80}(unknown|not found|not exist|isn't here|no longer (exists|valid)|not known|couldn't be found|not a valid|invalid|not listed)|(doesn't|does not|not) have a\w* .{0,40}account|address rejected: access denied|recipient (address )?rejected: (invalid|undeliverable)|no mailbox (here|by that name)|not our (customer|user)|mailbox unavailable or (local|not)|unrouteable address|unknown local.part/,
  ],
  [
    'reputation',
    /(spamhaus|spamcop|barracuda(central)?|sorbs|dnsbl|\brbl\b|block ?list|black ?list|s3140|s3150|s3114|blocked using|banned sending|dnsbl-lookup|senderbase|reputation|senderscore|uceprotect|abusix|invaluement)|(ip|host|client|network|sender).{0,40}(is )?(blocked|banned|listed|blacklisted)|user complaints|\[ts0[1-4]\]|no ptr|reverse dns|(ptr|rdns) record|does not have a ptr|cannot find your (reverse )?hostname|helo (command )?rejected|poor (sender|domain)/,
  ],
  [
    'rate_limited',
    /rate[- ]?limit|ratelimit|too many (messages|connections|recipients|requests|emails|concurrent|hops? per)|too (fast|frequent)|throttl|slow down|unexpected volume|unusual rate|at a rate|rate that|temporarily deferred|temporarily rate|exceeded .{0,40}(rate|connections)|rate_limit_exceeded|concurrent connections|connection rate/,
  ],
  [
    'spam',
    /\bspam\b|spam(my|mer|iness)?\b|unsolicited|\bjunk\b|bulk (mail|message)s? (is|are) not|likely (suspicious|unwanted)|considered (as )?(unwanted|bulk)|notspam|antispam|unsolicitedmessageerror/,
  ],
  [
    'content',
    /virus|malware|phish|infected|attachment|content (rejected|filter|denied|blocked|not)|rejected .{0,20}content|message content|(suspicious|blocked|malicious) (url|link)|dangerous content|contains (a |an )?(url|link|domain)|illegal .{0,20}header|invalid header|not rfc|rfc ?(5322|2822|822)|bare (lf|cr)|headers? (missing|are missing|is missing)|missing .{0,20}header/,
  ],
  [
    'policy',
    /polic(y|ies)|administrative prohibition|not authori[sz]ed to send to|restricted.{0,30}(recipient|sender)|recipient.{0,60}only accepts|(access|permission) denied|delivery not authorized|allow ?list|whitelist|recipientrestricted/,
  ],
  ['garbage', /out of place|not smtp|belongs to no command|garbage|bad greeting|unparsable/],
];

/** The detail, then the subject, of RFC 3463 and the IANA registry of enhanced status codes. */
const enhancedCodes: Record<string, AnswerKind> = {
  '1.1': 'address_unknown',
  '1.2': 'domain_unknown',
  '1.3': 'address_invalid',
  '1.4': 'address_invalid',
  '1.6': 'mailbox_disabled',
  '1.7': 'sender_refused',
  '1.8': 'sender_refused',
  '1.10': 'domain_unknown',
  '2.1': 'mailbox_disabled',
  '2.2': 'mailbox_full',
  '2.3': 'too_big',
  '3.4': 'too_big',
  '4.1': 'domain_unknown',
  '4.4': 'domain_unknown',
  '4.5': 'rate_limited',
  '5.3': 'rate_limited',
  '7.4': 'tls',
  '7.8': 'auth_refused',
  '7.9': 'auth_refused',
  '7.10': 'tls',
  '7.11': 'tls',
  '7.20': 'authentication',
  '7.21': 'authentication',
  '7.22': 'authentication',
  '7.23': 'authentication',
  '7.24': 'authentication',
  '7.25': 'reputation',
  '7.26': 'authentication',
  '7.27': 'sender_refused',
  '7.28': 'rate_limited',
};
const enhancedSubjects: Record<string, AnswerKind> = {
  '3': 'server_trouble',
  '4': 'server_trouble',
  '5': 'server_trouble',
  '6': 'content',
  '7': 'policy',
};

function byEnhanced(code: string): AnswerKind | null {
  const [cls, subject = '', detail = ''] = code.split('.');
  const found = enhancedCodes[`${subject}.${detail}`] ?? enhancedSubjects[subject] ?? null;
  if (cls === '4') {
    // For now only: the mailbox and the address are there, or nobody knows yet.
    if (found === null || found === 'mailbox_disabled' || found === 'address_unknown') return 'try_later';
    if (found === 'policy') return 'greylisted';
  }
  return found;
}

/** By the code alone: RFC 5321 section 4.2.3 and its neighbours, and HTTP as Resend answers. */
function byCode(code: number | null, stage: string): AnswerKind | null {
  if (code === null) return null;
  if (stage === 'http') return httpCodes[code] ?? (code >= 500 ? 'server_trouble' : null);
  const known = smtpCodes[code];
  if (known) return known;
  if (code >= 400 && code < 500) return 'try_later';
  if (code === 550 && stage === 'rcpt') return 'address_unknown';
  return code < 400 ? 'garbage' : null;
}

const smtpCodes: Record<number, AnswerKind> = {
  421: 'server_trouble',
  451: 'try_later',
  452: 'mailbox_full',
  454: 'tls',
  500: 'garbage',
  502: 'garbage',
  521: 'domain_unknown',
  530: 'auth_refused',
  534: 'auth_refused',
  535: 'auth_refused',
  538: 'auth_refused',
  551: 'address_unknown',
  552: 'mailbox_full',
  553: 'address_invalid',
  556: 'domain_unknown',
};

const httpCodes: Record<number, AnswerKind> = {
  401: 'auth_refused',
  403: 'sender_refused',
  413: 'too_big',
  422: 'address_invalid',
  429: 'rate_limited',
};
