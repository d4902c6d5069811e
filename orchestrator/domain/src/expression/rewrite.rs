//! Checks a parsed tree against the bounds and the vocabulary, and replaces what it reads by slots.
//!
//! `customer.traits.email` becomes one variable, so that an evaluation asks the scope once for just
//! that and never builds the maps around it.

use std::sync::Arc;

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators,
};
use cel::common::types::CelInt;

use super::evaluate::{Program, Slot};
use super::functions::{self, FUNCTIONS, Form, Pattern};
use super::path::Path;
use super::vocabulary::Vocabulary;
use super::{
    DEPTH_MAX, ExpressionProblem, LITERAL_ITEMS_MAX, MACRO_DEPTH_MAX, MACROS_MAX, NODES_MAX,
    PATTERN_MAX_BYTES, PATTERN_SIZE_MAX_BYTES,
};
use crate::problem::nearest;

/// Most names of a path; values are not nested deeper.
const PATH_MAX: usize = crate::value::VALUE_MAX_DEPTH + 4;

/// What a source can write without calling a function.
const OPERATORS: &[&str] = &[
    operators::CONDITIONAL,
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::SUBSTRACT,
    operators::ADD,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::GREATER_EQUALS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::LESS,
    operators::NEGATE,
    operators::INDEX,
    operators::NOT_STRICTLY_FALSE,
    operators::IN,
];

type Checked = Result<(), ExpressionProblem>;

struct Rewriter<'a> {
    vocabulary: &'a Vocabulary,
    places: &'a SourceInfo,
    /// Variables of the macros around the current node.
    locals: Vec<String>,
    macro_depth: usize,
    macros: usize,
    nodes: usize,
    paths: Vec<Path>,
    patterns: Vec<Pattern>,
}

/// Checks and rewrites a tree.
pub(super) fn program(
    source: &str,
    mut root: IdedExpr,
    places: &SourceInfo,
    vocabulary: &Vocabulary,
) -> Result<Program, ExpressionProblem> {
    let mut rewriter = Rewriter {
        vocabulary,
        places,
        locals: Vec::new(),
        macro_depth: 0,
        macros: 0,
        nodes: 0,
        paths: Vec::new(),
        patterns: Vec::new(),
    };
    rewriter.visit(&mut root, 0)?;
    let Rewriter { paths, patterns, .. } = rewriter;
    Ok(Program { source: source.to_owned(), root, paths, patterns })
}

impl Rewriter<'_> {
    fn visit(&mut self, node: &mut IdedExpr, depth: usize) -> Checked {
        let id = node.id;
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(self.problem(id, format!("more than {NODES_MAX} parts")));
        }
        if depth > DEPTH_MAX {
            let problem = self.problem(id, format!("nested deeper than {DEPTH_MAX} levels"));
            return Err(problem.suggest("write `x in [...]` for a long choice"));
        }
        if let Some(names) = self.static_path(node)? {
            let slot = self.slot_of(names, false)?;
            node.expr = Expr::Ident(Slot::Value(slot).name());
            return Ok(());
        }
        let depth = depth + 1;
        match &mut node.expr {
            Expr::Ident(_) => Ok(()),
            Expr::Literal(LiteralValue::Bytes(_)) => {
                Err(self.problem(id, "bytes are not supported"))
            }
            Expr::Literal(_) => Ok(()),
            Expr::Select(select) => {
                if select.test
                    && let Some(mut names) = self.static_path(&select.operand)?
                {
                    names.push((Arc::from(select.field.as_str()), id));
                    let slot = self.slot_of(names, true)?;
                    node.expr = Expr::Ident(Slot::Presence(slot).name());
                    return Ok(());
                }
                self.visit(&mut select.operand, depth)
            }
            Expr::Call(_) => self.visit_call(node, depth),
            Expr::List(list) => {
                self.check_items(id, list.elements.len())?;
                if !list.optional_indices.is_empty() {
                    return Err(self.problem(id, "optional elements are not supported"));
                }
                list.elements.iter_mut().try_for_each(|item| self.visit(item, depth))
            }
            Expr::Map(map) => {
                self.check_items(id, map.entries.len())?;
                for entry in &mut map.entries {
                    match &mut entry.expr {
                        EntryExpr::MapEntry(entry) if !entry.optional => {
                            self.visit(&mut entry.key, depth)?;
                            self.visit(&mut entry.value, depth)?;
                        }
                        _ => return Err(self.problem(id, "optional entries are not supported")),
                    }
                }
                Ok(())
            }
            Expr::Comprehension(comprehension) => self.visit_macro(id, comprehension, depth),
            Expr::Struct(_) => Err(self.problem(id, "messages are not supported")),
            Expr::Unspecified => Err(self.problem(id, "the expression cannot be read")),
        }
    }

    fn visit_call(&mut self, node: &mut IdedExpr, depth: usize) -> Checked {
        let id = node.id;
        let Expr::Call(call) = &mut node.expr else { return Ok(()) };
        if OPERATORS.contains(&call.func_name.as_str()) {
            return call.args.iter_mut().try_for_each(|arg| self.visit(arg, depth));
        }
        self.check_function(id, call)?;
        match call.func_name.as_str() {
            "matches" => return self.visit_matches(node, depth),
            "duration" | "timestamp" => {
                if let Some(expr) = self.constant_time(id, call)? {
                    node.expr = expr;
                    return Ok(());
                }
            }
            name => {
                if let Some(unit_ms) = functions::unit_ms(name) {
                    call.func_name = operators::MULTIPLY.to_owned();
                    call.args.push(number(id, unit_ms));
                }
            }
        }
        if let Some(target) = &mut call.target {
            self.visit(target, depth)?;
        }
        call.args.iter_mut().try_for_each(|arg| self.visit(arg, depth))
    }

    fn check_function(&self, id: u64, call: &CallExpr) -> Checked {
        let name = call.func_name.as_str();
        let Some((_, form, arity)) = FUNCTIONS.iter().find(|(known, ..)| *known == name) else {
            let shown: String = name.trim_matches(['_', '@']).chars().take(40).collect();
            let problem = self.problem(id, format!("unknown function `{shown}`"));
            let known = FUNCTIONS.iter().map(|(known, ..)| *known);
            return Err(match nearest(name, known) {
                Some(near) => problem.suggest(format!("did you mean `{near}`?")),
                None => problem,
            });
        };
        let member = call.target.is_some();
        let form_fits = match form {
            Form::Global => !member,
            Form::Member => member,
            Form::Both => true,
        };
        if form_fits && call.args.len() + usize::from(member) == *arity {
            return Ok(());
        }
        let example = match (form, arity) {
            (Form::Member, _) => format!("x.{name}(y)"),
            _ => format!("{name}(x)"),
        };
        let problem = self.problem(id, format!("`{name}` is not called like this"));
        Err(problem.suggest(format!("write {example}")))
    }

    /// `x.matches("...")`: the pattern is compiled now, and only if it is small.
    fn visit_matches(&mut self, node: &mut IdedExpr, depth: usize) -> Checked {
        let id = node.id;
        let Expr::Call(call) = &mut node.expr else { return Ok(()) };
        let Some(Expr::Literal(LiteralValue::String(text))) =
            call.args.first().map(|arg| &arg.expr)
        else {
            return Err(self.problem(id, "the pattern of `matches` must be written out"));
        };
        if text.inner().len() > PATTERN_MAX_BYTES {
            let message = format!("the pattern is longer than {PATTERN_MAX_BYTES} bytes");
            return Err(self.problem(id, message));
        }
        let pattern = regex::RegexBuilder::new(text.inner())
            .size_limit(PATTERN_SIZE_MAX_BYTES)
            .nest_limit(16)
            .build()
            .map_err(|error| self.problem(id, pattern_message(&error)))?;
        self.patterns.push(Pattern(pattern));
        let slot = Slot::Pattern(self.patterns.len() - 1);
        let mut target = call.target.take().map(|target| *target).unwrap_or_default();
        self.visit(&mut target, depth)?;
        let pattern = IdedExpr { id, expr: Expr::Ident(slot.name()) };
        call.func_name = functions::MATCHES.to_owned();
        call.args = vec![target, pattern];
        Ok(())
    }

    /// `duration("PT1H")` and `timestamp("2026-01-01")` are numbers at once.
    fn constant_time(&self, id: u64, call: &CallExpr) -> Result<Option<Expr>, ExpressionProblem> {
        let Some(Expr::Literal(LiteralValue::String(text))) =
            call.args.first().map(|arg| &arg.expr)
        else {
            return Ok(None);
        };
        let ms = if call.func_name == "duration" {
            functions::duration_ms(text.inner()).map_err(|problem| {
                let ours = self.problem(id, problem.message);
                problem.suggestion.map_or(ours.clone(), |advice| ours.suggest(advice))
            })?
        } else {
            functions::timestamp_ms(text.inner()).ok_or_else(|| {
                self.problem(id, "the text is no timestamp")
                    .suggest("write 2026-01-31T09:00:00Z or 2026-01-31")
            })?
        };
        Ok(Some(number(id, ms).expr))
    }

    fn visit_macro(&mut self, id: u64, parts: &mut ComprehensionExpr, depth: usize) -> Checked {
        self.visit(&mut parts.iter_range, depth)?;
        if self.macro_depth >= MACRO_DEPTH_MAX {
            let problem = self.problem(id, "a macro (all, exists, map, filter) inside another");
            return Err(problem.suggest("such loops can run for seconds: write them one by one"));
        }
        self.macros += 1;
        if self.macros > MACROS_MAX {
            return Err(self.problem(id, format!("more than {MACROS_MAX} macros")));
        }
        let items = std::mem::take(&mut parts.iter_range);
        let call =
            CallExpr { func_name: functions::ITEMS.to_owned(), target: None, args: vec![items] };
        parts.iter_range = IdedExpr { id, expr: Expr::Call(call) };
        self.visit(&mut parts.accu_init, depth)?;
        let outer = self.locals.len();
        self.locals.extend([parts.iter_var.clone(), parts.accu_var.clone()]);
        self.locals.extend(parts.iter_var2.clone());
        self.macro_depth += 1;
        self.visit(&mut parts.loop_cond, depth)?;
        self.visit(&mut parts.loop_step, depth)?;
        self.visit(&mut parts.result, depth)?;
        self.macro_depth -= 1;
        self.locals.truncate(outer);
        Ok(())
    }

    /// The names of `a.b["c"]`, each with its node, if the root is not a variable of a macro.
    fn static_path(&self, node: &IdedExpr) -> Result<Option<Names>, ExpressionProblem> {
        let mut names: Names = Vec::new();
        let mut at = node;
        loop {
            if names.len() > PATH_MAX {
                return Err(self.problem(node.id, format!("a path of more than {PATH_MAX} names")));
            }
            match &at.expr {
                Expr::Ident(name) if self.locals.contains(name) => return Ok(None),
                Expr::Ident(name) => {
                    names.push((Arc::from(name.as_str()), at.id));
                    names.reverse();
                    return Ok(Some(names));
                }
                Expr::Select(select) if !select.test => {
                    names.push((Arc::from(select.field.as_str()), at.id));
                    at = &select.operand;
                }
                Expr::Call(call) if call.func_name == operators::INDEX => match &call.args[..] {
                    [operand, IdedExpr { expr: Expr::Literal(LiteralValue::String(key)), .. }] => {
                        names.push((Arc::from(key.inner()), at.id));
                        at = operand;
                    }
                    _ => return Ok(None),
                },
                _ => return Ok(None),
            }
        }
    }

    fn slot_of(&mut self, names: Names, presence: bool) -> Result<usize, ExpressionProblem> {
        let plain: Vec<Arc<str>> = names.iter().map(|(name, _)| name.clone()).collect();
        if let Err(unknown) = self.vocabulary.check(&plain, presence) {
            let problem = self.problem(names[unknown.at].1, unknown.message);
            return Err(match unknown.suggestion {
                Some(suggestion) => problem.suggest(suggestion),
                None => problem,
            });
        }
        let path = Path::new(plain);
        let known = self.paths.iter().position(|known| *known == path);
        Ok(known.unwrap_or_else(|| {
            self.paths.push(path);
            self.paths.len() - 1
        }))
    }

    fn check_items(&self, id: u64, count: usize) -> Checked {
        if count <= LITERAL_ITEMS_MAX {
            return Ok(());
        }
        Err(self.problem(id, format!("more than {LITERAL_ITEMS_MAX} elements")))
    }

    fn problem(&self, id: u64, message: impl Into<String>) -> ExpressionProblem {
        let offset = self.places.offset_for(id).map(|(start, _)| start as usize);
        ExpressionProblem::new(message).at(offset)
    }
}

/// Names of a path with the nodes that they come from.
type Names = Vec<(Arc<str>, u64)>;

fn number(id: u64, number: i64) -> IdedExpr {
    IdedExpr { id, expr: Expr::Literal(LiteralValue::Int(CelInt::from(number))) }
}

fn pattern_message(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "the pattern is too large".to_owned(),
        _ => "the pattern is not a regular expression".to_owned(),
    }
}
