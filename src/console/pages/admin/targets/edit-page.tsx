import { Badge, Button, Group, NativeSelect, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { client, isStatus } from "../../../api/client.ts";
import { apiQuery, invalidate, queryClient } from "../../../api/queries.ts";
import { Confirm } from "../../../parts/confirm.tsx";
import { Failure, Loading, showDone, showFailure } from "../../../parts/feedback.tsx";
import { Moment } from "../../../parts/moment.tsx";
import { Page } from "../../../parts/page.tsx";
import { useMoveOn } from "../../../parts/use-move-on.ts";
import { targetWords } from "../../../words/targets.ts";
import { ConflictAlert } from "./conflict-alert.tsx";
import type { Version } from "./definition/definition.ts";
import { EditorView } from "./editor.tsx";
import { isAboutDefinition } from "./preview/use-live-test.ts";
import { useEditor, useLeaveQuestion } from "./use-editor.ts";

const { editor: words, title } = targetWords;
const route = getRouteApi("/signed-in/operator/for-admins/admin/targets/$name/edit");
const DEFINITION = "/api/v1/targets/{name}/definition";

export function EditTargetPage() {
  const { name } = route.useParams();
  const { version } = route.useSearch();
  const current = useQuery({
    ...apiQuery(DEFINITION, { path: { name } }),
    // A later version must not replace what is being edited.
    staleTime: "static",
    gcTime: 0,
  });
  const isOld = version !== undefined && version !== current.data?.version;
  const old = useQuery({
    ...apiQuery(DEFINITION, { path: { name }, query: { version: version ?? 1 } }),
    enabled: isOld,
    staleTime: "static",
  });
  const shown = isOld ? old : current;
  if (shown.error) return <Failure error={shown.error} onRetry={() => void shown.refetch()} />;
  if (!shown.data || !current.data) return <Loading />;
  return isOld ? (
    <VersionView key={version} shown={shown.data} latest={current.data.version} />
  ) : (
    <EditTarget stored={current.data} />
  );
}

const noop = () => undefined;

/** An earlier version, which never changes. */
function VersionView({ shown, latest }: { readonly shown: Version; readonly latest: number }) {
  const { tab = "target" } = route.useSearch();
  const navigate = route.useNavigate();
  const editor = useEditor({ name: shown.name, definition: shown.definition, isNew: false });
  return (
    <Page
      title={shown.definition.title ?? shown.name}
      parent={{ to: "/admin/targets", name: title }}
      badge={<Badge variant="default">{words.version(shown.version)}</Badge>}
      description={<SavedAt version={shown} />}
      actions={<VersionChoice shown={shown.version} latest={latest} />}
    >
      <Group gap="xs">
        <Text size="sm">{words.oldVersion(shown.version)}</Text>
        <Button
          size="compact-sm"
          variant="subtle"
          onClick={() => void navigate({ search: ({ version: _, ...search }) => search })}
        >
          {words.toCurrent}
        </Button>
      </Group>
      <EditorView
        editor={{ ...editor, setDefinition: noop, setJson: noop }}
        isNew={false}
        isReadOnly
        saveError={null}
        notes={[]}
        sample={null}
        tab={tab}
        onTab={(next) => void navigate({ search: (search) => ({ ...search, tab: next }), replace: true })}
      />
    </Page>
  );
}

function EditTarget({ stored }: { readonly stored: Version }) {
  const { tab = "target" } = route.useSearch();
  const navigate = route.useNavigate();
  const moveOn = useMoveOn();
  const { name } = stored;
  const [base, setBase] = useState<Omit<Version, "definition">>(stored);
  const editor = useEditor({ name, definition: stored.definition, isNew: false });
  const [failure, setFailure] = useState<{ readonly error: unknown; readonly of: unknown } | null>(null);
  const [ahead, setAhead] = useState<Version | "deleted" | null>(null);
  const [notes, setNotes] = useState<readonly string[]>([]);
  const [isSaving, setSaving] = useState(false);
  const [isAsked, setAsked] = useState(false);
  const isGone = useRef(false);
  useLeaveQuestion(editor.isChanged, () => isGone.current);

  const keep = (version: Version) => {
    setBase(version);
    setAhead(null);
    setFailure(null);
    queryClient.setQueryData(apiQuery(DEFINITION, { path: { name } }).queryKey, version);
  };
  const save = async (version: number) => {
    setSaving(true);
    const { definition } = editor;
    try {
      const body = { ...definition, version };
      const { notes: facts, ...saved } = await client.put("/api/v1/targets/{name}", { path: { name }, body });
      editor.keep(definition);
      keep(saved);
      setNotes(facts);
      showDone(words.saved(name, saved.version));
      void invalidateList();
    } catch (error) {
      if (isStatus(error, 409)) setAhead(await client.get(DEFINITION, { path: { name } }));
      else if (isStatus(error, 404)) setAhead("deleted");
      else if (isAboutDefinition(error)) setFailure({ error, of: definition });
      else showFailure(error);
    } finally {
      setSaving(false);
    }
  };
  const remove = async () => {
    await client.delete("/api/v1/targets/{name}", { path: { name } });
    isGone.current = true;
    showDone(words.deleted(name));
    void invalidateList();
    await moveOn({ to: "/admin/targets" });
  };
  return (
    <Page
      title={editor.definition.title ?? name}
      parent={{ to: "/admin/targets", name: title }}
      badge={<Badge variant="default">{words.version(base.version)}</Badge>}
      description={<SavedAt version={base} />}
      actions={
        <>
          <VersionChoice shown={base.version} latest={base.version} />
          <Button
            component={Link}
            {...({ to: "/import", search: { target: name } } as object)}
            variant="default"
          >
            {words.import}
          </Button>
          <Button variant="default" color="red" onClick={() => setAsked(true)}>
            {words.delete}
          </Button>
          <Button
            loading={isSaving}
            disabled={!editor.isChanged || editor.jsonProblem !== undefined}
            onClick={() => void save(base.version)}
          >
            {words.saveVersion(base.version + 1)}
          </Button>
        </>
      }
    >
      {ahead !== null && (
        <ConflictAlert
          ahead={ahead}
          base={base.version}
          onReload={(version) => {
            editor.reset(version.definition);
            keep(version);
          }}
          onOverwrite={(version) => void save(version.version)}
        />
      )}
      <EditorView
        editor={editor}
        isNew={false}
        isReadOnly={false}
        saveError={failure !== null && failure.of === editor.definition ? failure.error : null}
        notes={notes}
        sample={null}
        tab={tab}
        onTab={(next) => void navigate({ search: (search) => ({ ...search, tab: next }), replace: true })}
      />
      <Confirm
        isOpen={isAsked}
        onClose={() => setAsked(false)}
        title={words.deleteTitle(name)}
        action={words.deleteNow}
        isDangerous
        run={remove}
      >
        {words.deleteHint}
      </Confirm>
    </Page>
  );
}

function invalidateList(): Promise<void> {
  return invalidate("/api/v1/targets", "");
}

function SavedAt({ version: { saved_at, saved_by } }: { readonly version: Omit<Version, "definition"> }) {
  return (
    <>
      {targetWords.saved} <Moment at={saved_at} />
      {saved_by !== null && ` ${words.savedBy(saved_by)}`}
    </>
  );
}

const MAX_VERSIONS = 200;

function VersionChoice({ shown, latest }: { readonly shown: number; readonly latest: number }) {
  const navigate = route.useNavigate();
  if (latest === 1) return null;
  const first = Math.max(1, latest - MAX_VERSIONS + 1);
  const versions = Array.from({ length: latest - first + 1 }, (_, at) => latest - at);
  return (
    <NativeSelect
      aria-label={words.versionChoice}
      data={versions.map((version) => ({
        value: String(version),
        label: version === latest ? words.current(version) : words.version(version),
      }))}
      value={String(shown)}
      onChange={({ currentTarget }) => {
        const version = Number(currentTarget.value);
        void navigate({
          search: ({ version: _, ...search }) => (version === latest ? search : { ...search, version }),
        });
      }}
    />
  );
}
