class BankError(Exception):
    pass


def book(payment_pk):
    raise BankError(payment_pk)
