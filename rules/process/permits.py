"""Who may do what: roles hold permissions, and incompatible acts never meet in one person on one line."""

from dataclasses import dataclass, field

from rules.process.terms import Permission, Process


@dataclass(slots=True)
class Permits:
    """Permissions of a contract, and which acts each person has done on one line.

    Parameters
    ----------
    process : Process
    done : dict of str
        Person to what they did.
    """

    process: Process
    done: dict[str, set[Permission]] = field(default_factory=dict[str, set[Permission]])

    def why_not(self, person: str, role: str, permission: Permission) -> str:
        """Say why a person may not act; empty where they may.

        Parameters
        ----------
        person, role : str
        permission : Permission

        Returns
        -------
        str
            `role_unknown`, `role_lacks_permission` or `incompatible_act`.
        """
        held = {one.id: one.permissions for one in self.process.role}
        if role not in held:
            return "role_unknown"
        if permission not in held[role]:
            return "role_lacks_permission"
        before = self.done.get(one_spelling(person), set())
        pairs = [set(pair.acts) for pair in self.process.incompatible]
        if any({permission, other} in pairs for other in before):
            return "incompatible_act"
        return ""

    def note(self, person: str, permission: Permission) -> None:
        """Remember that a person has acted.

        Parameters
        ----------
        person : str
        permission : Permission
        """
        self.done.setdefault(one_spelling(person), set()).add(permission)


def one_spelling(person: str) -> str:
    """Write a person's name one way, so that a capital letter or a space makes nobody another person."""
    return " ".join(person.split()).casefold()
