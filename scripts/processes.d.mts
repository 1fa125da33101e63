import type { ChildProcess } from 'node:child_process';

type Env = Record<string, string | undefined>;
export type Mark = { pid: number; birth: string };
export function startServer(options: { port: number; env: Env; logFile: string }): ChildProcess;
export function startWorker(options: { env: Env; logFile: string }): ChildProcess;
export function mark(child: ChildProcess): Mark;
export function endProcesses(marks: Mark[], seconds?: number): Promise<void>;
export function waitForServer(port: number, isOver: () => boolean, seconds?: number): Promise<boolean>;
export function tail(file: string, lines?: number): string;
