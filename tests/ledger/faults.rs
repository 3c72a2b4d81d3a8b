//! Every step fails, and fails after it has taken effect. Whatever was answered then holds after a restart, every request
//! stands exactly once, and nothing has two roots.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
};

use prooftrail::{
    log::{
        batch::{Batch, Receipt, RequestId},
        database::{LogDatabase, LogStore, Outcome},
        guard::{Guard, GuardFile, GuardStore},
        head::{Freeze, StoredHead},
        sequencer::AppendError,
        start::StartError,
    },
    store::StoreError,
};
use prooftrail_ledger::Hash;

use crate::{log, scratch::engines};

/// What can fail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Step {
    Head,
    RootAt,
    Find,
    Append,
    AppendInLine,
    GuardRead,
    GuardWrite,
}

/// How.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fault {
    /// It has certainly no effect.
    Refused,
    /// Nobody knows, and it had none.
    Failed,
    /// Nobody knows, and it took effect.
    FailedButPersisted,
}

/// What fails next, and how often.
type Plan = Arc<Mutex<Vec<(Step, Fault, u32)>>>;

fn next_fault(plan: &Plan, step: Step) -> Option<Fault> {
    let mut plan = plan.lock().unwrap();
    let (_, fault, times) = plan.iter_mut().find(|(planned, _, times)| *planned == step && *times > 0)?;
    *times -= 1;
    Some(*fault)
}

/// The seam: a log, or a guard, whose steps fail as planned.
#[derive(Clone)]
struct Faulty<T> {
    inner: T,
    plan: Plan,
}

fn lost() -> sqlx::Error {
    sqlx::Error::Io(io::ErrorKind::ConnectionReset.into())
}

impl Faulty<LogDatabase> {
    /// A read that fails: whether it took effect makes no difference.
    fn read(&self, step: Step) -> Result<(), StoreError> {
        next_fault(&self.plan, step).map_or(Ok(()), |_| Err(StoreError::Sql(lost())))
    }
}

impl LogStore for Faulty<LogDatabase> {
    async fn head(&self) -> Result<Option<StoredHead>, StoreError> {
        self.read(Step::Head)?;
        self.inner.head().await
    }

    async fn root_at(&self, size: u64) -> Result<Option<Hash>, StoreError> {
        self.read(Step::RootAt)?;
        self.inner.root_at(size).await
    }

    async fn find(&self, request: &RequestId) -> Result<Option<Receipt>, StoreError> {
        self.read(Step::Find)?;
        self.inner.find(request).await
    }

    async fn append(&self, batch: &Batch) -> Result<Outcome, StoreError> {
        let unknown = || StoreError::OutcomeUnknown { transaction: "log_append", source: lost() };
        match next_fault(&self.plan, Step::Append) {
            None => self.inner.append(batch).await,
            Some(Fault::Refused) => Err(StoreError::Sql(lost())),
            Some(Fault::Failed) => Err(unknown()),
            Some(Fault::FailedButPersisted) => {
                assert!(matches!(self.inner.append(batch).await.unwrap(), Outcome::Committed));
                Err(unknown())
            }
        }
    }

    async fn append_in_line<F>(&self, known: u64, make: F) -> Result<(Outcome, Option<Batch>), StoreError>
    where
        F: Fn(&StoredHead, Option<Hash>) -> Result<Batch, Freeze> + Send + Sync,
    {
        let unknown = || StoreError::OutcomeUnknown { transaction: "log_append", source: lost() };
        match next_fault(&self.plan, Step::AppendInLine) {
            None => self.inner.append_in_line(known, make).await,
            Some(Fault::Refused) => Err(StoreError::Sql(lost())),
            Some(Fault::Failed) => Err(unknown()),
            Some(Fault::FailedButPersisted) => {
                let (outcome, _) = self.inner.append_in_line(known, make).await.unwrap();
                assert!(matches!(outcome, Outcome::Committed));
                Err(unknown())
            }
        }
    }

    fn is_in_place(&self) -> bool {
        self.inner.is_in_place()
    }
}

impl GuardStore for Faulty<GuardFile> {
    fn read(&self) -> io::Result<Option<Guard>> {
        match next_fault(&self.plan, Step::GuardRead) {
            None => self.inner.read(),
            Some(_) => Err(io::ErrorKind::PermissionDenied.into()),
        }
    }

    fn write(&self, guard: &Guard) -> io::Result<()> {
        match next_fault(&self.plan, Step::GuardWrite) {
            None => return self.inner.write(guard),
            Some(Fault::FailedButPersisted) => self.inner.write(guard)?,
            Some(_) => {}
        }
        Err(io::ErrorKind::StorageFull.into())
    }
}

/// What the requests in flight are told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Told {
    Appended,
    Unavailable,
    OutcomeUnknown,
    GuardFrozen,
}

#[tokio::test]
async fn every_step_fails_before_and_after_it_took_effect() {
    use Fault::{Failed, FailedButPersisted, Refused};
    use Step::{Append, Find, GuardWrite, Head, RootAt};
    /// What fails, and how often; what the requests are told; whether their entries are in the log afterwards.
    type Case = (&'static [(Step, Fault, u32)], Told, bool);
    let cases: &[Case] = &[
        (&[], Told::Appended, true),
        (&[(Append, Refused, 1)], Told::Appended, true),
        (&[(Append, Failed, 1)], Told::Appended, true),
        (&[(Append, FailedButPersisted, 1)], Told::Appended, true),
        (&[(Append, Refused, 9)], Told::Unavailable, false),
        (&[(Append, Failed, 1), (Append, FailedButPersisted, 1)], Told::Appended, true),
        (&[(Append, Failed, 1), (Find, Failed, 1)], Told::Appended, true),
        (&[(Append, FailedButPersisted, 1), (Find, Failed, 1)], Told::Appended, true),
        (&[(Append, Failed, 1), (Find, Failed, 9)], Told::OutcomeUnknown, false),
        (&[(Append, FailedButPersisted, 1), (Find, Failed, 9)], Told::OutcomeUnknown, true),
        (&[(Append, FailedButPersisted, 1), (Head, Failed, 1)], Told::Appended, true),
        (&[(Append, FailedButPersisted, 1), (Head, Failed, 9)], Told::OutcomeUnknown, true),
        (&[(Append, FailedButPersisted, 1), (RootAt, Failed, 1)], Told::Appended, true),
        (&[(Append, FailedButPersisted, 1), (RootAt, Failed, 9)], Told::OutcomeUnknown, true),
        (&[(GuardWrite, Failed, 1)], Told::GuardFrozen, true),
        (&[(GuardWrite, FailedButPersisted, 1)], Told::GuardFrozen, true),
        (&[(Append, FailedButPersisted, 1), (GuardWrite, Failed, 1)], Told::GuardFrozen, true),
        (&[(Append, FailedButPersisted, 1), (GuardWrite, FailedButPersisted, 1)], Told::GuardFrozen, true),
    ];
    for engine in engines() {
        let guard = engine.scratch.path().join("guard");
        drop(log::create(&engine.url).await);
        let mut acknowledged = log::Acknowledged::new();
        for (case, (faults, expected, persisted)) in cases.iter().enumerate() {
            let context = format!("case {case} {faults:?} on {}", engine.url);
            let first = 100 * u64::try_from(case).unwrap();
            let inner = log::open(&engine.url).await.unwrap();
            let before = inner.head().await.unwrap().unwrap().head.size();
            let plan = Plan::default();
            let faulty = Faulty { inner: inner.clone(), plan: plan.clone() };
            let file = Faulty { inner: GuardFile::open(&guard).unwrap(), plan: plan.clone() };
            let sequencer = log::start_with(Some(faulty), file, &[]).await.unwrap();
            acknowledge(&mut acknowledged, first, log::append_all(&sequencer, first..first + 2).await, Told::Appended);
            plan.lock().unwrap().extend(faults.iter().copied());
            // One task, so one batch: the faults hit all of it.
            let told = log::append_all(&sequencer, first + 2..first + 9).await;
            acknowledge(&mut acknowledged, first + 2, told, *expected);
            if *expected == Told::GuardFrozen {
                let told = log::append_all(&sequencer, [first + 50]).await;
                acknowledge(&mut acknowledged, first + 50, told, Told::GuardFrozen);
            }
            log::stop(sequencer, inner).await;

            let inner = log::open(&engine.url).await.unwrap();
            log::check(&inner, &acknowledged).await;
            let grown = inner.head().await.unwrap().unwrap().head.size() - before;
            assert_eq!(grown, if *persisted { 9 } else { 2 }, "{context}");
            let sequencer = log::start(Some(inner.clone()), &guard, &[]).await.unwrap();
            let again = log::append_all(&sequencer, first..first + 9).await;
            for appended in &again {
                assert_eq!(
                    appended.as_ref().unwrap().is_new,
                    !persisted && appended.as_ref().unwrap().receipt.index >= before + 2,
                    "{context}"
                );
            }
            acknowledge(&mut acknowledged, first, again, Told::Appended);
            log::check(&inner, &acknowledged).await;
            log::stop(sequencer, inner).await;
        }
    }
}

#[tokio::test]
async fn every_fault_while_standing_in_line() {
    use Fault::{Failed, FailedButPersisted, Refused};
    for engine in engines() {
        let guard = engine.scratch.path().join("guard");
        drop(log::create(&engine.url).await);
        let mut acknowledged = log::Acknowledged::new();
        let cases = [None, Some(Refused), Some(Failed), Some(FailedButPersisted)];
        for (case, fault) in (0..).zip(cases) {
            let first = 100 * case;
            let inner = log::open(&engine.url).await.unwrap();
            let plan = Plan::default();
            let faulty = Faulty { inner: inner.clone(), plan: plan.clone() };
            let file = GuardFile::open(&guard).unwrap();
            let sequencer = log::start_with(Some(faulty), file, &[]).await.unwrap();
            let mut entries = inner.head().await.unwrap().unwrap().head.size();
            plan.lock().unwrap().extend(fault.map(|fault| (Step::AppendInLine, fault, 1)));
            // Another process appends, so that the next batch meets a conflict and then stands in line; unless the
            // sequencer happens to look at the head in between.
            for number in first..first + 20 {
                let head = inner.head().await.unwrap().unwrap().head;
                let other = Batch::new(&head, [log::request(number + 50)], 0).unwrap();
                assert!(matches!(inner.append(&other).await.unwrap(), Outcome::Committed));
                let told = log::append_all(&sequencer, [number]).await;
                acknowledge(&mut acknowledged, number, told, Told::Appended);
                entries += 2;
            }
            assert!(plan.lock().unwrap().iter().all(|(.., times)| *times == 0), "the fault must be met");
            // It stands in line once more; nobody came between, and what follows is appended as ever.
            let told = log::append_all(&sequencer, [first + 30]).await;
            acknowledge(&mut acknowledged, first + 30, told, Told::Appended);
            plan.lock().unwrap().push((Step::AppendInLine, Refused, 9));
            let told = log::append_all(&sequencer, [first + 31]).await;
            acknowledge(&mut acknowledged, first + 31, told, Told::Appended);
            log::stop(sequencer, inner).await;
            let inner = log::open(&engine.url).await.unwrap();
            log::check(&inner, &acknowledged).await;
            assert_eq!(inner.head().await.unwrap().unwrap().head.size(), entries + 2, "{fault:?}");
            inner.store().close().await;
            drop(inner);
        }
    }
}

/// Checks what the requests from `first` were told, and remembers what was promised.
fn acknowledge(
    acknowledged: &mut log::Acknowledged,
    first: u64,
    told: Vec<Result<prooftrail::log::sequencer::Appended, AppendError>>,
    expected: Told,
) {
    let mut roots = BTreeMap::new();
    for (number, told) in (first..).zip(told) {
        let have = match &told {
            Ok(_) => Told::Appended,
            Err(AppendError::Unavailable(_)) => Told::Unavailable,
            Err(AppendError::OutcomeUnknown) => Told::OutcomeUnknown,
            Err(AppendError::Frozen(Freeze::Guard(io::ErrorKind::StorageFull))) => Told::GuardFrozen,
            Err(other) => panic!("{other}"),
        };
        assert_eq!(have, expected, "request {number}");
        if let Ok(appended) = told {
            let (size, root) = log::checked(&appended);
            assert_eq!(*roots.entry(size).or_insert(root), root);
            let place = (appended.receipt.index, appended.receipt.entry.leaf_hash());
            assert_eq!(*acknowledged.entry(number).or_insert(place), place);
        }
    }
}

#[tokio::test]
async fn a_guard_that_cannot_be_read_or_written_keeps_the_log_from_starting() {
    for engine in engines() {
        let inner = log::create(&engine.url).await;
        let file = engine.scratch.path().join("guard");
        for (step, fault) in [
            (Step::GuardRead, Fault::Failed),
            (Step::GuardWrite, Fault::Failed),
            (Step::GuardWrite, Fault::FailedButPersisted),
        ] {
            let plan = Plan::new(Mutex::new(vec![(step, fault, 1)]));
            let guard = Faulty { inner: GuardFile::open(&file).unwrap(), plan };
            let reason = log::start_with(Some(inner.clone()), guard, &[]).await.err().unwrap();
            let expected = match step {
                Step::GuardRead => matches!(reason, StartError::Guard(_)),
                _ => matches!(reason, StartError::Frozen(Freeze::Guard(io::ErrorKind::StorageFull))),
            };
            assert!(expected, "{step:?} {reason}");
        }
        std::fs::write(&file, "prooftrail/guard/v1\nhalf").unwrap();
        let reason = log::start(Some(inner.clone()), &file, &[]).await.err().unwrap();
        assert!(matches!(&reason, StartError::Guard(error) if error.kind() == io::ErrorKind::InvalidData), "{reason}");
        std::fs::remove_file(&file).unwrap();
        log::start(Some(inner), &file, &[]).await.unwrap();
    }
}
