// The one-way rule of the house: app → components → lib → db; inside lib: actions → mutations / queries → policy → db.
const db = '^db/(?!enums\\.ts$)';
const ground = '^lib/(env|errors|paging|clock|log)\\.ts$';
const mayReadDb = [
  '^lib/.+/(queries|mutations)\\.ts$',
  '^lib/policy/scopes\\.ts$',
  '^lib/sending/(ledger|wake)\\.ts$',
  '^lib/auth/(config|session|tokens)\\.ts$',
  '^lib/email/outbox\\.ts$',
  '^lib/rate-limit\\.ts$',
];
const mayReadRequest = ['^lib/auth/session\\.ts$', '^lib/action\\.ts$', '^lib/.+/actions\\.ts$'];
const request = '^node_modules/next/(headers|navigation|server|cache)';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment:
        'Two modules that need each other are one module, or the part they share wants a place of its own.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^(next/root-params)$' },
    },
    {
      name: 'db-looks-at-env-only',
      comment: 'The database knows settings and nothing else of lib.',
      severity: 'error',
      from: { path: '^db/' },
      to: { path: '^(app|components|lib|middleware)', pathNot: '^lib/env\\.ts$' },
    },
    {
      name: 'lib-looks-down',
      severity: 'error',
      from: { path: '^lib/' },
      to: { path: '^(app|components)/' },
    },
    {
      name: 'components-look-down',
      severity: 'error',
      from: { path: '^components/' },
      to: { path: '^(app|db)/', dependencyTypesNot: ['type-only'], pathNot: '^db/enums\\.ts$' },
    },
    {
      name: 'app-asks-lib',
      comment: 'Pages and routes read through queries; they never reach into the database.',
      severity: 'error',
      from: { path: '^(app/|middleware\\.ts$)' },
      to: { path: db },
    },
    {
      name: 'who-may-read-the-database',
      comment:
        'Only queries, mutations, policy/scopes, the ledger and the wake-up, auth config/session/tokens, the outbox and rate-limit.',
      severity: 'error',
      from: { path: '^lib/', pathNot: [...mayReadDb, '^lib/cli/'] },
      to: { path: db, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'what-components-see-of-lib',
      severity: 'error',
      from: { path: '^components/', pathNot: '^components/ui/' },
      to: {
        path: '^lib/',
        pathNot: [
          '^lib/.+/(schema|actions)\\.ts$',
          '^lib/policy/rules\\.ts$',
          '^lib/i18n/',
          '^lib/format\\.ts$',
        ],
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'ui-knows-no-domain',
      severity: 'error',
      from: { path: '^components/ui/' },
      to: { path: '^(lib|db|app)/|^components/(?!ui/)', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'who-reads-the-request',
      comment:
        'Mutations, queries and sending never do: the cron route, the command line and the tests call the same functions.',
      severity: 'error',
      from: { path: '^lib/', pathNot: [...mayReadRequest, '^lib/posts/cache\\.ts$', '^lib/i18n/'] },
      to: { path: request, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'one-user-of-the-cache',
      severity: 'error',
      from: { path: '^(app|components|lib|db)/', pathNot: '^lib/posts/cache\\.ts$' },
      to: { path: '^node_modules/next/cache' },
    },
    {
      name: 'core-knows-no-actions',
      comment: 'Actions are doors: nothing in lib stands behind another door.',
      severity: 'error',
      from: { path: '^lib/', pathNot: '^lib/.+/actions\\.ts$' },
      to: { path: '^lib/(.+/actions|action)\\.ts$', pathNot: '$^' },
    },
    {
      name: 'policy-is-at-the-bottom',
      severity: 'error',
      from: { path: '^lib/policy/' },
      to: { path: '^lib/', pathNot: ['^lib/policy/', ground] },
    },
    {
      name: 'ground-floor-stands-on-nothing',
      severity: 'error',
      from: { path: ground },
      to: { path: '^(app|components|db|lib)/', pathNot: [ground, '^db/enums\\.ts$'] },
    },
    {
      name: 'recurrence-is-pure',
      severity: 'error',
      from: { path: '^lib/recurrence/' },
      to: {
        path: '^(app|components|db|lib)/|^node_modules/(next|react)',
        pathNot: ['^lib/recurrence/', '^db/enums\\.ts$', '^lib/errors\\.ts$'],
      },
    },
    {
      name: 'nobody-imports-an-entry-point',
      severity: 'error',
      from: {},
      to: {
        path: '^(middleware\\.ts$|lib/cli/main\\.ts$|app/)',
        pathNot: '\\.css$|^app/\\[locale\\]/document\\.tsx$',
      },
    },
    {
      name: 'no-test-code-in-the-product',
      severity: 'error',
      from: { path: '^(app|components|lib|db)/' },
      to: { path: '^tests/|^scripts/', pathNot: '^scripts/(postgres|migrate|secrets)\\.m' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
