"""The code that keeps each promise, how it is broken, and the test that has to fail then; ``tools/break_guards.py`` tries them all."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Guard:
    """One piece of code without which a promise is not kept."""

    promise: str
    """Which of the promises."""
    broken: str
    """What is broken, in words."""
    file: str
    old: str
    """What stands there, once."""
    new: str
    """What is put in its place."""
    test: str
    """The test that fails then."""


PROMISES = "tests/promises"
KILLED, TWO, CANCEL = (f"{PROMISES}/test_{name}.py" for name in ("killed", "two_at_once", "cancel"))
DISK, CLOCK, FILES = (f"{PROMISES}/test_{name}.py" for name in ("full_disk", "clock_and_memory", "hostile_files"))
NAMES, WEB, CHAIN, ODD = (f"{PROMISES}/test_{name}.py" for name in ("hostile_names", "web_page", "supply_chain", "odd_data"))
PAGE, ZIPS, ENDURANCE = "tests/panels/page/test_guard.py", "tests/inputs/test_archives.py", f"{PROMISES}/test_endurance.py"


GUARDS = (
    Guard("atomic", "an open mends nothing", "fiftyone_plugin/store/recovery.py",
          "if records.take(record, writer):  #", "if not record:  #",
          f"{KILLED}::test_the_process_is_killed[compare-plain]"),
    Guard("atomic", "the older one is deleted first", "fiftyone_plugin/store/storing.py",
          "older = overwrite and run in runs.list_comparisons(dataset)",
          "older = overwrite and run in runs.list_comparisons(dataset) and runs.delete_comparison(dataset, run)",
          f"{KILLED}::test_the_process_is_killed[overwrite-plain]"),
    Guard("atomic", "an open does not finish renaming", "fiftyone_plugin/store/recovery.py",
          "elif record.state == RENAMING:\n        _finish_renaming(dataset, record)", "elif record.state == RENAMING:\n        pass",
          f"{KILLED}::test_the_process_is_killed[rename-plain]"),
    Guard("atomic", "the record goes before the fields", "fiftyone_plugin/store/recovery.py",
          "    if not records.take(record, writer, DELETING):",
          "    records.remove(record)\n    if False:", f"{KILLED}::test_the_process_is_killed[delete-plain]"),
    Guard("atomic", "the next embedding takes what is stored for complete", "fiftyone_plugin/embedding.py",
          "todo = view if overwrite else view.exists(field, False)", "todo = view if overwrite else view.exists(field, False).limit(8)",
          f"{KILLED}::test_killed_while_embedding[process]"),
    Guard("atomic", "a database that does not answer is not explained", "fiftyone_plugin/store/database.py",
          "        raise RunError(f\"{doing} stopped: {reason}\") from e", "        raise",
          f"{KILLED}::test_killed_while_embedding[database]"),
    Guard("atomic", "writes are confirmed before they are on the disk", "fiftyone_plugin/store/database.py",
          "write_concern=WriteConcern(j=True)",
          "write_concern=WriteConcern()", f"{KILLED}::test_what_was_confirmed_is_on_the_disk"),
    Guard("two at once", "a name is claimed without looking", "fiftyone_plugin/store/records.py",
          "update_one({\"_id\": dataset_id, f\"runs.{run}\": {\"$exists\": False}},", "update_one({\"_id\": dataset_id},",
          f"{TWO}::test_both_want_the_same_name[False]"),
    Guard("two at once", "what was made since the name was found free is replaced", "fiftyone_plugin/store/storing.py",
          "older = overwrite and run in", "older = run in", f"{TWO}::test_both_want_the_same_name[False]"),
    Guard("two at once", "a dataset is looked up by its former name", "fiftyone_plugin/store/database.py",
          "            dataset._doc.reload()  # by id", "            # by id",
          f"{TWO}::test_changed_while_a_comparison_runs[rename the dataset]"),
    Guard("two at once", "whose the field is is not asked after a write", "fiftyone_plugin/vector_writer.py",
          "        lost = self._lost()\n", "        lost = \"\"\n", f"{TWO}::test_the_first_encoder_takes_back_what_it_wrote_too_late"),
    Guard("two at once", "a record that is gone is not missed", "fiftyone_plugin/store/records.py",
          "    if not database.journaled(\"runs\").update_one(found, update).matched_count:\n        raise RunError",
          "    if database.journaled(\"runs\").update_one(found, update) is None:\n        raise RunError",
          f"{TWO}::test_the_run_is_deleted_while_it_is_written"),
    Guard("cancel", "what was written is taken back after errors only, not after Ctrl-C", "fiftyone_plugin/store/storing.py",
          "except BaseException as e:", "except Exception as e:", f"{CANCEL}::test_ctrl_c_in_python"),
    Guard("cancel", "the App's work is not stopped with its window", "fiftyone_plugin/running.py", "        stopped.set()\n", "",
          f"{CANCEL}::test_a_window_of_the_app_is_closed"),
    Guard("cancel", "a delegated run does not ask whether it is wanted", "fiftyone_plugin/running.py",
          "if delegated.cancelled(ctx._delegated_operation_id):", "if False:", f"{CANCEL}::test_a_delegated_run_is_cancelled"),
    Guard("cancel", "the command shows Ctrl-C as an error of Python's", "latentdiff/cli/main.py", "    except KeyboardInterrupt:\n",
          "    except KeyError:\n", f"{CANCEL}::test_ctrl_c_on_the_command_line"),
    Guard("cancel", "the page's Cancel sets a flag that nobody reads", "panels/page/page.py", "        if session.stop.is_set():",
          "        if False:", "tests/browser/test_gradio.py::test_cancel_stops_the_work"),
    Guard("full disk", "a file is written where the older one lies", "latentdiff/compute/cache.py",
          "with open(ready[path], \"xb\") as f:", "ready[path] = str(path)\n                with open(path, \"wb\") as f:",
          f"{DISK}::test_saving_over_an_older_one_on_a_full_disk"),
    Guard("full disk", "a picture that cannot be written down is a bad picture", "latentdiff/embed/sharding.py",
          "        path.write_bytes(data)\n    except OSError as e:", "        path.write_bytes(data)\n    except ZeroDivisionError as e:",
          f"{DISK}::test_a_full_tmp_does_not_make_bad_images"),
    Guard("full disk", "a cache that cannot be written is an error", "latentdiff/embed/words.py",
          "    with contextlib.suppress(OSError):  # a cache", "    if True:  # a cache",
          f"{DISK}::test_a_cache_that_cannot_be_written_only_costs_time"),
    Guard("clock", "who began later by the clock is taken for dead", "fiftyone_plugin/store/writers.py",
          "return \"\" if state in \"ZX\" else rest[18]  #", "return \"\" if state in \"ZX\" else str(__import__(\"time\").time())  #",
          f"{CLOCK}::test_the_clock_runs_backwards"),
    Guard("memory", "the command shows that memory ran out as an error of Python's", "latentdiff/cli/main.py",
          "    except (MemoryError, RuntimeError) as e:", "    except ZeroDivisionError as e:",
          f"{CLOCK}::test_memory_runs_out_on_the_command_line"),
    Guard("hostile files", "rows of a stored comparison are not checked", "latentdiff/results/storage.py", "    counts = {}\n",
          "    return comparison\n    counts = {}\n", f"{FILES}::test_damaged_files_only_give_our_errors"),
    Guard("hostile files", "indices of a stored comparison are not checked", "latentdiff/results/schema.py",
          "indices.min() >= 0 and indices.max() < columns", "True", "tests/results/test_storage.py::test_an_index_outside_is_refused"),
    Guard("hostile files", "a zip file's names may lead outside", "latentdiff/inputs/archives.py", "or \"..\" in name.parts or", "or",
          f"{ZIPS}::test_names_that_lead_outside_are_refused"),
    Guard("hostile files", "a zip file may unpack to any size", "latentdiff/inputs/archives.py", "            if written > left:",
          "            if False:", f"{ZIPS}::test_a_bomb_stops_at_the_limit"),
    Guard("hostile files", "a zip file may list any number of files", "latentdiff/inputs/archives.py",
          "if size is not None and size > self.limit:", "if False:", f"{ZIPS}::test_a_directory_of_countless_files_is_not_read"),
    Guard("hostile files", "a table and a link may name files outside the roots", "latentdiff/inputs/folders.py",
          "    return any(resolved.is_relative_to(root) for root in roots)", "    return True or resolved in roots",
          "tests/inputs/test_folders.py::test_links_do_not_lead_out"),
    Guard("hostile names", "phrases are not escaped in HTML", "latentdiff/report/html.py", "<h3>{guess}{escape(h.text)}</h3>",
          "<h3>{guess}{h.text}</h3>", f"{NAMES}::test_no_text_becomes_markup_in_a_report"),
    Guard("hostile names", "texts are not escaped in Markdown", "latentdiff/report/text.py",
          "return \"\".join(f\"\\\\{c}\" if c in MARKDOWN else c for c in text)", "return text",
          f"{NAMES}::test_the_panel_shows_names_and_phrases_as_text"),
    Guard("hostile names", "a class is the path of a field where it begins with $", "fiftyone_plugin/recipes.py",
          "return F.literal(value) if isinstance(value, str) and value.startswith(\"$\") else value", "return value if F else value",
          f"{NAMES}::test_a_class_called_like_a_field_is_a_value"),
    Guard("hostile names", "the terminal gets what a file says", "latentdiff/cli/terminal.py",
          "lambda found: found[1] or \"\\N{REPLACEMENT CHARACTER}\"", "lambda found: found[0]",
          f"{NAMES}::test_names_cannot_steer_the_terminal"),
    Guard("page", "any Host is answered", "panels/page/guard.py", "if self.hosts is not None and _name(host) not in self.hosts:",
          "if False:", f"{PAGE}::test_every_route_of_gradio_asks_who_is_there"),
    Guard("page", "any Origin is answered", "panels/page/guard.py", "if origin is not None and (", "if False and (",
          f"{PAGE}::test_other_sites_are_refused"),
    Guard("page", "Gradio's other doors are open", "panels/page/guard.py", "if (door not in PAGES and not door.startswith(FILES)) or",
          "if", f"{PAGE}::test_every_route_of_gradio_asks_who_is_there"),
    Guard("page", "a request may be of any size", "panels/page/guard.py", "or MOST_SENT + 1) > MOST_SENT:", "or 0) < 0:",
          f"{PAGE}::test_nothing_large_is_read_but_uploads"),
    Guard("page", "passwords that are tried at once count as one", "panels/page/guard.py",
          "            self._tried.append(time.monotonic())", "            pass", f"{PAGE}::TestPassword::test_guessing_is_slowed_down"),
    Guard("page", "uploads that are still coming do not count", "panels/page/guard.py", "used + sum(self._coming) + int(length)",
          "used + int(length)", f"{PAGE}::test_uploads_that_are_still_coming_count"),
    Guard("page", "any file can be named as an upload", "panels/page/sessions.py", "if self.uploads is not None and not path",
          "if False and not path", f"{WEB}::test_only_uploads_can_be_named_as_uploads"),
    Guard("page", "uploads that nobody claims stay", "panels/page/sessions.py", "        self._sweep()\n", "",
          f"{WEB}::test_uploads_that_nobody_claims_are_removed"),
    Guard("page", "off loopback no password is asked for", "panels/page/settings.py", "if not self.loopback and not self.password:",
          "if False:", f"{PAGE}::test_other_hosts_demand_a_password"),
    Guard("page", "the password is in what settings print", "panels/page/settings.py", "field(default=None, repr=False)", "None",
          f"{PAGE}::test_settings_keep_the_password_out_of_messages"),
    Guard("page", "secrets are linked with the plugin", "fiftyone_plugin/install.py", "    _refuse_secrets(package)\n", "",
          "tests/test_plugin_loading.py::TestInstallPlugin::test_refuses_to_serve_secrets"),
    Guard("supply chain", "pickled weights run", "latentdiff/embed/open_clip_backend.py", "strict=True, weights_only=True",
          "strict=True, weights_only=False", f"{CHAIN}::test_pickled_weights_of_open_clip_run_nothing"),
    Guard("supply chain", "a model's own code is asked for", "latentdiff/embed/transformers_backend.py", "\"trust_remote_code\": False}",
          "}", f"{CHAIN}::test_nobody_is_asked_whether_to_run_a_models_code"),
    Guard("supply chain", "digests are not compared", "latentdiff/sae/compatibility.py", "    if different:\n        raise InputError(",
          "    if not different:\n        return\n    if False:\n        raise InputError(",
          f"{CHAIN}::test_one_changed_bit_of_the_weights_is_another_encoder"),
    Guard("supply chain", "tests may leave the machine", "tests/conftest.py", "    if not _is_local(host):\n", "    if False:\n",
          "tests/test_network_guard.py::test_name_look_up_is_refused_and_noticed"),
    Guard("odd data", "vectors of any size are taken", "latentdiff/embed/usable.py", "LARGEST = 1e15", "LARGEST = 1e38",
          f"{ODD}::TestVectors::test_too_huge_is_said"),
    Guard("odd data", "constant columns are divided by their deviation", "latentdiff/stats/logistic.py",
          "np.where(constant, np.inf, deviation)", "np.where(constant & False, np.inf, deviation)",
          f"{ODD}::TestVectors::test_constant_columns"),
    Guard("odd data", "a message lists every name", "fiftyone_plugin/sides.py", "for n in names[:SHOWN]) + more", "for n in names) + more",
          f"{ODD}::TestDatasets::test_thousands_of_saved_views"),
    Guard("odd data", "a view grouped by a field is taken for one of images", "fiftyone_plugin/sides.py",
          "    if view._is_dynamic_groups:\n", "    if False:\n", f"{ODD}::TestDatasets::test_groups"),
    Guard("endurance", "results stay where their run is deleted", "fiftyone_plugin/store/records.py", "        files.delete(key)\n",
          "        pass\n", f"{ENDURANCE}::test_comparing_again_and_again_holds_on_to_nothing"),
    Guard("endurance", "a tab's folder stays", "panels/page/sessions.py",
          "                self.forget(session, upload)\n            shutil.rmtree(session.folder, ignore_errors=True)",
          "                self.forget(session, upload)", f"{ENDURANCE}::test_comparing_again_and_again_holds_on_to_nothing"),
)  # fmt: skip
