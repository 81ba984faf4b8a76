import { readFileSync } from 'node:fs';
import fengari from 'fengari';
import { parse } from 'yaml';
import type { KubeObject } from './control-plane-client.js';

const { lua, lauxlib, lualib } = fengari;

/** What Argo CD would show. */
export interface ArgoHealth {
  readonly status: string;
  readonly message: string;
}

const FILE = 'deploy/argocd/health.yaml';
const PREFIX = 'resource.customizations.health.messenger-operator.dev_';

/** kind → the script that judges it, out of deploy/argocd. */
export function argoScripts(): ReadonlyMap<string, string> {
  const { data } = parse(readFileSync(FILE, 'utf8')) as { data: Readonly<Record<string, string>> };
  return new Map(Object.entries(data).map(([key, script]) => [key.slice(PREFIX.length), script]));
}

/**
 * Runs a health script as Argo CD does: the object is the global `obj`. @throws for a script that
 * fails or returns no table
 */
export function argoHealth(script: string, object: KubeObject): ArgoHealth {
  const state = lauxlib.luaL_newstate();
  lualib.luaL_openlibs(state);
  const source = fengari.to_luastring(`obj = ${literal(object)}\n${script}`);
  if (lauxlib.luaL_loadstring(state, source) !== 0 || lua.lua_pcall(state, 0, 1, 0) !== 0) {
    throw new Error(`the health script of ${object.kind} fails: ${textAt(state, -1)}`);
  }
  const field = (name: string): string => {
    lua.lua_getfield(state, -1, fengari.to_luastring(name));
    const text = textAt(state, -1);
    lua.lua_settop(state, -2);
    return text;
  };
  return { status: field('status'), message: field('message') };
}

function textAt(state: Parameters<typeof lua.lua_tostring>[0], index: number): string {
  const bytes = lua.lua_tostring(state, index);
  return bytes === null ? '' : fengari.to_jsstring(bytes);
}

/** A value as Lua writes it; null is nil, as in Argo CD. */
function literal(value: unknown): string {
  if (typeof value === 'string') return `"${[...Buffer.from(value)].map((byte) => `\\${String(byte).padStart(3, '0')}`).join('')}"`;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return `{${value.map(literal).join(',')}}`;
  if (typeof value !== 'object' || value === null) return 'nil';
  const fields = Object.entries(value).filter(([, one]) => one !== null && one !== undefined);
  return `{${fields.map(([key, one]) => `[${literal(key)}]=${literal(one)}`).join(',')}}`;
}
